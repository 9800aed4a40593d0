import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { serveBackend } from './embedded-server.ts'

afterEach(() => void vi.useRealTimers())

const startup = Buffer.from('\0\0\0\x08\0\x03\0\0', 'latin1')
const encryptionRequest = Buffer.from('\0\0\0\x08\x04\xd2\x16\x2f', 'latin1')
const query = (text: string) => Buffer.from(`Q\0\0\0${String.fromCharCode(text.length + 5)}${text}\0`, 'latin1')
const readyForQuery = Buffer.from('Z\0\0\0\x05I', 'latin1')

/** Only knows whether it is in a transaction. */
const createBackend = () => {
  let inTransaction = false
  return {
    execProtocolRawStream: async (message: Uint8Array, { onRawData }: { onRawData: (data: Uint8Array) => void }) => {
      const text = Buffer.from(message).toString('latin1')
      if (text.includes('begin')) inTransaction = true
      if (text.includes('commit')) inTransaction = false
      onRawData(readyForQuery)
    },
    isInTransaction: () => inTransaction,
  }
}

test('a connection that fell silent in a transaction and then ended it is not cut off later, whoever came by meanwhile', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const folder = mkdtempSync(join(tmpdir(), 'embedded-server-'))
  const path = join(folder, 'socket')
  const server = await serveBackend(createBackend(), path, 30_000)
  const connection = async () => {
    const socket = connect(path)
    await once(socket, 'connect')
    const ask = async (message: Buffer) => {
      socket.write(message)
      const ended = once(socket, 'close').then(() => ['cut off'])
      return String((await Promise.race([once(socket, 'data'), ended]))[0])
    }
    return { ask }
  }
  const [slow, other] = [await connection(), await connection()]
  await slow.ask(startup)
  await slow.ask(query('begin'))
  // Answered at once, though it is not this one's turn.
  expect(await other.ask(encryptionRequest)).toBe('N')
  await slow.ask(query('commit'))
  vi.advanceTimersByTime(30_000)
  expect(await slow.ask(query('select 1'))).toBe(readyForQuery.toString())
  expect(await other.ask(startup)).toBe(readyForQuery.toString())
  await server.close()
  rmSync(folder, { recursive: true })
})
