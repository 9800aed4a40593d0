import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openPeopleFile, type Format } from './people-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'people-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** The identifiers of every row, or what is wrong with it. */
async function read(format: Format, content: string | Buffer): Promise<[number, string][]> {
  const file = join(folder, 'people')
  writeFileSync(file, content)
  const rows: [number, string][] = []
  for await (const row of (await openPeopleFile(file, format)).rows) rows.push([row.row, 'problem' in row ? row.problem : row.account.identifiers.join(' ')])
  return rows
}

const long = 'x'.repeat(200_000)
const unread = 'too long, or a quote is not closed: nothing from here on was read'

describe('CSV', () => {
  test.each<[string, string | Buffer, [number, string][]]>([
    ['has its columns in any order, with a byte order mark and empty lines', '\uFEFFusername, email\r\nada,ada@example.com\r\n\r\n,bob@example.com', [[2, 'ada ada@example.com'], [4, 'bob@example.com']]],
    ['has quotes where they are needed, and where they are not', 'username,email\n"a""d,a",ada@example.com\nb"o"b,\n', [[2, 'a"d,a ada@example.com'], [3, 'b"o"b']]],
    ['has rows of several lines, named by the last one', 'username,email\n"a\nd\na",\nbob,\n', [[4, 'a\nd\na'], [5, 'bob']]],
    ['has a row with too few fields, or too many', 'username,email\nada\nbob,,\neve,\n', [[2, 'has 1 fields, the header has 2'], [3, 'has 3 fields, the header has 2'], [4, 'eve']]],
    ['has a quote that is never closed', 'username,email\nada,\nbob,"\neve,\n', [[2, 'ada'], [3, unread]]],
    ['has one in a file that goes on for long', `username,email\nada,\nbob,"\n${'eve,\n'.repeat(40_000)}`, [[2, 'ada'], [3, unread]]],
    ['has a field without end', `username,email\nada,\n${long},\neve,\n`, [[2, 'ada'], [3, unread]]],
    ['is not UTF-8', Buffer.from('username,email\nzoë,\nada,\n', 'latin1'), [[2, 'username is not UTF-8'], [3, 'ada']]],
    ['has a header and nobody', 'username,email\n', []],
  ])('%s', async (_, content, rows) => {
    expect(await read('csv', content)).toEqual(rows)
  })

  test.each([
    ['nothing in it', '', 'the file is empty: its first row names the columns'],
    ['columns that are not known', 'email,Email,shoe size\n', 'the file has columns that are not known: "Email", "shoe size"; known are email, phone, username, password_hash, mfa, locale, test'],
    ['a column twice', 'email,mfa,email\n', 'the file has the column email twice'],
  ])('with %s is refused as a whole', async (_, content, message) => {
    await expect(read('csv', content)).rejects.toThrow(message)
  })
})

describe('NDJSON', () => {
  test.each<[string, string, [number, string][]]>([
    ['has a byte order mark, empty lines, and a last line without an end', '\uFEFF{"username":"ada"}\r\n\r\n{"username":"bob","email":null}', [[1, 'ada'], [3, 'bob']]],
    ['has lines that are no JSON, or no object', '{"username":\n[]\n"ada"\n{"username":"bob"}\n', [[1, 'not JSON'], [2, 'must be an object'], [3, 'must be an object'], [4, 'bob']]],
    ['has a line without end', `{"username":"ada"}\n{"username":"${long}"}\n{"username":"bob"}\n`, [[1, 'ada'], [2, 'too long'], [3, 'bob']]],
    ['has values of another kind, and nobody', '{"username":5}\n{"mfa":"no"}\n{"username":"ada","mfa":2}\n', [[1, 'username must be text'], [2, 'needs an email, a phone or a username'], [3, 'mfa must be true or false']]],
  ])('%s', async (_, content, rows) => {
    expect(await read('ndjson', content)).toEqual(rows)
  })

  test.each([[true, true], [1, true], ['1', true], ['yes', true], ['TRUE', true], [false, false], [0, false], ['no', false], ['', false]])('takes %j for %j', async (mfa, expected) => {
    writeFileSync(join(folder, 'people'), JSON.stringify({ username: 'ada', mfa }))
    for await (const row of (await openPeopleFile(join(folder, 'people'), 'ndjson')).rows) expect(row).toMatchObject({ account: { mfa: expected } })
  })
})
