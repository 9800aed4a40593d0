import { rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'

/** What the server needs of a PGlite instance. */
export type Backend = {
  execProtocolRawStream(message: Uint8Array, options: { onRawData: (data: Uint8Array) => void }): Promise<void>
  isInTransaction(): boolean
}

type Client = { socket: Socket; received: Buffer; started: boolean; holding: boolean; silence?: NodeJS.Timeout }

// Message formats: PostgreSQL documentation, "Frontend/Backend Protocol", sections Message Flow and Message Formats.
const encryptionRequests = new Set([80877103, 80877104])
const cancelRequest = 80877102
const refused = Buffer.from('N')
const sync = Buffer.from([0x53, 0, 0, 0, 4])
const rollback = Buffer.from('Q\0\0\0\x0dROLLBACK\0')

/**
 * Lets several connections share PGlite's one session: a connection holds it from its first message until it is in no transaction and has
 * synchronised. To let in another one sooner mixes up their unnamed portals: one reader gets an error, or the rows of another.
 * @param silenceLimit ms that a connection may hold the session without sending, before it is cut off
 */
export const serveBackend = async (backend: Backend, path: string, silenceLimit = 30_000) => {
  const clients = new Set<Client>()
  const line: Client[] = []
  let holder: Client | undefined
  let running = false

  const execute = (client: Client, message: Uint8Array) =>
    backend.execProtocolRawStream(message, { onRawData: (data) => client.socket.writable && client.socket.write(Buffer.from(data)) })

  const release = (client: Client) => {
    clearTimeout(client.silence)
    client.holding = false
    holder = undefined
  }

  const run = async () => {
    if (running) return
    running = true
    while ((holder ??= line.shift())) {
      const client = holder
      client.holding = true
      if (!clients.has(client)) {
        // It went away while it held the session: end what it began, or nobody else gets on.
        await execute(client, sync)
        if (backend.isInTransaction()) await execute(client, rollback)
        release(client)
        continue
      }
      const messages = takeMessages(client)
      if (!messages) {
        client.silence = setTimeout(() => client.socket.destroy(), silenceLimit)
        break
      }
      await execute(client, messages.bytes)
      if (messages.complete && !backend.isInTransaction()) {
        release(client)
        if (client.received.length > 0) enqueue(client)
      }
    }
    running = false
  }

  const enqueue = (client: Client) => {
    if (!client.holding && !line.includes(client) && hasMessage(client)) line.push(client)
  }

  const server = createServer((socket) => {
    const client: Client = { socket, received: Buffer.alloc(0), started: false, holding: false }
    clients.add(client)
    socket.setNoDelay(true)
    socket.on('data', (data) => {
      client.received = client.received.length === 0 ? data : Buffer.concat([client.received, data])
      while (!client.started && answerBeforeStart(client)) {}
      clearTimeout(client.silence)
      enqueue(client)
      void run()
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      clients.delete(client)
      clearTimeout(client.silence)
      const place = line.indexOf(client)
      if (place >= 0) line.splice(place, 1)
      void run()
    })
  })
  await rm(path, { force: true })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))

  return {
    close: () => {
      for (const { socket } of clients) socket.destroy()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

const lengthAt = (client: Client, offset: number) =>
  client.started
    ? client.received.length >= offset + 5 ? 1 + client.received.readUInt32BE(offset + 1) : Infinity
    : client.received.length >= offset + 4 ? client.received.readUInt32BE(offset) : Infinity

const hasMessage = (client: Client) => client.received.length >= lengthAt(client, 0)

/** All whole messages that came, as one; `complete` when the last of them ends a query cycle. */
const takeMessages = (client: Client) => {
  let end = 0
  let last = 0
  for (let length = lengthAt(client, 0); client.received.length >= end + length; length = lengthAt(client, end)) {
    last = end
    end += length
    if (!client.started) {
      client.started = true
      break
    }
  }
  if (end === 0) return undefined
  const bytes = Uint8Array.from(client.received.subarray(0, end))
  client.received = client.received.subarray(end)
  const kind = bytes[last]
  return { bytes, complete: kind === 0 || kind === 0x53 /* Sync */ || kind === 0x51 /* Query */ || kind === 0x58 /* Terminate */ }
}

/** Encryption is refused (the socket is a local one), a cancel request has nobody to cancel. */
const answerBeforeStart = (client: Client) => {
  if (client.received.length < 8) return false
  const code = client.received.readUInt32BE(4)
  if (code === cancelRequest) client.socket.destroy()
  if (!encryptionRequests.has(code)) return false
  client.received = client.received.subarray(8)
  client.socket.write(refused)
  return true
}
