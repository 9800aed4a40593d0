import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ensureMasterKeyFile, keepFirstMasterKey, parseMasterKeys, putNewMasterKey, watchMasterKeyFile } from './master-key.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'master-key-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('The file of the embedded default', () => {
  test('is made on first start, for its owner alone, and read on the next', () => {
    const file = join(folder, 'master.key')
    const [made] = ensureMasterKeyFile(file)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(made).toHaveLength(32)
    expect(ensureMasterKeyFile(file)).toEqual([made])
    expect(readFileSync(file, 'utf8').trim()).toBe(Buffer.from(made).toString('base64'))
  })

  test('has a new key put first, and the old one taken out later, for its owner alone each time', () => {
    const file = join(folder, 'master.key')
    const [made] = ensureMasterKeyFile(file)
    putNewMasterKey(file)
    const [first, second, ...more] = ensureMasterKeyFile(file)
    expect([second, more]).toEqual([made, []])
    expect(first).not.toEqual(made)
    keepFirstMasterKey(file)
    expect(ensureMasterKeyFile(file)).toEqual([first])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['master.key'])
  })

  test('is looked at again by an engine that runs, which keeps what it knew where the file is gone', () => {
    const file = join(folder, 'master.key')
    const keys = watchMasterKeyFile(file)
    const [made] = keys()
    expect(keys()).toBe(keys())
    putNewMasterKey(file)
    expect(keys()[1]).toEqual(made)
    const both = keys()
    rmSync(file)
    expect(keys()).toBe(both)
  })

  test('that holds something else is not replaced', () => {
    const file = join(folder, 'master.key')
    writeFileSync(file, 'half a k')
    expect(() => ensureMasterKeyFile(file)).toThrow('a master key is 32 bytes, as base64')
    expect(() => putNewMasterKey(file)).toThrow('a master key is 32 bytes, as base64')
    expect(readFileSync(file, 'utf8')).toBe('half a k')
  })
})

describe('Master keys', () => {
  const [first, second] = [randomBytes(32), randomBytes(32)]

  test('are read as base64 and as base64url, several in their order', () => {
    expect(parseMasterKeys(first.toString('base64'))).toEqual([first])
    expect(parseMasterKeys(` ${first.toString('base64url')} ,\n${second.toString('base64')}\n`)).toEqual([first, second])
  })

  test.each([
    ['nothing', ''],
    ['too short a key', randomBytes(31).toString('base64')],
    ['too long a key', randomBytes(33).toString('base64')],
    ['hexadecimal', first.toString('hex')],
    ['a good one and a bad one', `${first.toString('base64')},${randomBytes(16).toString('base64')}`],
    ['a comma too many', `${first.toString('base64')},`],
  ])('are not taken from %s, and the error does not repeat it', (_, text) => {
    expect(() => parseMasterKeys(text)).toThrow(new TypeError('a master key is 32 bytes, as base64'))
  })
})
