/** Mail servers of the tests, well behaved and not, and what a mail program shows of what they received. */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { onTestFinished } from 'vitest'

type Received = { from: string; to: string[]; raw: string }

/** A real SMTP server on a free port. */
export async function smtp(options: SMTPServerOptions = {}, host = '127.0.0.1') {
  const received: Received[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    disableReverseLookup: true,
    onData: async (stream, { envelope }, done) => {
      received.push({ from: envelope.mailFrom ? envelope.mailFrom.address : '', to: envelope.rcptTo.map(to => to.address), raw: await text(stream) })
      done()
    },
    ...options,
  })
  // A client that gives up resets its connection.
  server.on('error', () => {})
  await new Promise<void>(listening => server.listen(0, host, listening))
  onTestFinished(() => server.close())
  return { received, url: `smtp://${host.includes(':') ? `[${host}]` : host}:${(server.server.address() as AddressInfo).port}` }
}

/** A TCP server that speaks no SMTP of its own. */
export async function tcp(onConnection: (socket: Socket) => void) {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket.on('error', () => {}))
    onConnection(socket)
  })
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What a mail program shows: headers decoded (RFC 2047), and each part by its type. */
export function open(raw: string) {
  const [head, body] = cut(raw)
  const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n')
  const headers = Object.fromEntries(lines.map(line => [line.split(':')[0]!.toLowerCase(), word(line.replace(/^[^:]*: ?/, ''))]))
  const boundary = /boundary="(.*?)"/.exec(headers['content-type']!)![1]
  const parts = body.split(`--${boundary}`).slice(1, -1).map(part => cut(part.trimStart()))
  const show = (type: string) => {
    const [head, body] = parts.find(([head]) => head.includes(type))!
    const quoted = /quoted-printable/i.test(head)
    return (quoted ? unquote(body.replace(/=\r\n/g, '')) : body).replaceAll('\r\n', '\n').trimEnd()
  }
  return { headers, text: show('text/plain'), html: show('text/html') }
}

const cut = (raw: string): [string, string] => [raw.slice(0, raw.indexOf('\r\n\r\n')), raw.slice(raw.indexOf('\r\n\r\n') + 4)]
const unquote = (text: string) => Buffer.from(text.replace(/=(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))), 'latin1').toString()
const word = (value: string) =>
  value.replace(/\?= =\?/g, '?==?').replace(/=\?utf-8\?([BQ])\?(.*?)\?=/gi, (_, how, data) =>
    how.toUpperCase() === 'B' ? Buffer.from(data, 'base64').toString() : unquote(data.replaceAll('_', ' ')),
  )
