import { rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'

/** What the server needs of a PGlite instance. */
export type Backend = {
  execProtocolRawStream(message: Uint8Array, options: { onRawData: (data: Uint8Array) => void }): Promise<void>
  isInTransaction(): boolean
}

type Client = { socket: Socket; received: Buffer; started: boolean; holding: boolean; silence: NodeJS.Timeout | undefined }

// Message formats: PostgreSQL documentation, "Frontend/Backend Protocol", sections Message Flow and Message Formats.
const encryptionRequests = new Set([80877103, 80877104])
const cancelRequest = 80877102
const refused = Buffer.from('N')
const sync = Buffer.from([0x53, 0, 0, 0, 4])
const rollback = Buffer.from('Q\0\0\0\x0dROLLBACK\0')
/** Startup, Sync, Query, FunctionCall and Terminate: all but the last are answered with one ReadyForQuery. */
const lastOfCycle = new Set([0, 0x53, 0x51, 0x46, 0x58])
const readyForQuery = 0x5a

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

  const execute = async (client: Client, message: Uint8Array, complete: boolean) => {
    const answer: Buffer[] = []
    await backend.execProtocolRawStream(message, { onRawData: (data) => void answer.push(Buffer.from(data)) })
    if (client.socket.writable) client.socket.write(readyOnce(Buffer.concat(answer), complete))
  }

  const hear = (client: Client) => {
    clearTimeout(client.silence)
    client.silence = undefined
  }

  const release = (client: Client) => {
    hear(client)
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
        await execute(client, sync, true)
        if (backend.isInTransaction()) await execute(client, rollback, true)
        release(client)
        continue
      }
      const messages = takeMessages(client)
      if (!messages) {
        // Others come by here while it is silent: it has one timer, from when it fell silent.
        client.silence ??= setTimeout(() => client.socket.destroy(), silenceLimit)
        break
      }
      await execute(client, messages.bytes, messages.complete)
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
    const client: Client = { socket, received: Buffer.alloc(0), started: false, holding: false, silence: undefined }
    clients.add(client)
    socket.setNoDelay(true)
    socket.on('data', (data) => {
      client.received = client.received.length === 0 ? data : Buffer.concat([client.received, data])
      while (!client.started && answerBeforeStart(client)) {}
      hear(client)
      enqueue(client)
      void run()
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      clients.delete(client)
      hear(client)
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

/** The whole messages that came, as one, up to the end of the query cycle; `complete` when that is among them. */
const takeMessages = (client: Client) => {
  let end = 0
  let complete = false
  for (let length = lengthAt(client, 0); !complete && client.received.length >= end + length; length = lengthAt(client, end)) {
    complete = lastOfCycle.has(client.received[end]!)
    end += length
    client.started = true
  }
  if (end === 0) return undefined
  const bytes = Uint8Array.from(client.received.subarray(0, end))
  client.received = client.received.subarray(end)
  return { bytes, complete }
}

/**
 * A cycle's answer with its one ReadyForQuery. When a statement fails PGlite gives one at once, and another at the Sync, until which a backend only
 * skips messages (section Message Flow, Extended Query). With one too many a client takes each query's answer for the next one's.
 */
const readyOnce = (answer: Buffer, complete: boolean): Buffer => {
  const kept: Buffer[] = []
  let from = 0
  let ready: { at: number; end: number } | undefined
  const leaveOut = (message: typeof ready) => {
    if (!message) return
    kept.push(answer.subarray(from, message.at))
    from = message.end
  }
  for (let at = 0; at < answer.length; ) {
    const end = at + 1 + answer.readUInt32BE(at + 1)
    if (answer[at] === readyForQuery) {
      leaveOut(ready)
      ready = { at, end }
    }
    at = end
  }
  if (!complete) leaveOut(ready)
  return from === 0 ? answer : Buffer.concat([...kept, answer.subarray(from)])
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
