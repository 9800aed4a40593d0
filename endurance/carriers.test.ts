import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createDelivery } from '../delivery/delivery.ts'
import { createEmail } from '../delivery/email.ts'
import { createSms } from '../delivery/sms.ts'
import { loadTemplates } from '../delivery/templates.ts'
import { smtp, tcp } from '../delivery/testing-mail-server.ts'
import type { Channel } from '../domain/session/vocabulary.ts'
import { newKey, off, openApi, type Api, type Reply } from '../http/testing.ts'

/** ms. An operator's engine waits ten seconds. */
const timeoutMs = 500
const templates = loadTemplates()
const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`

let api: Api
beforeEach(async () => {
  api = await openApi({ policy: { withPasskey: off, withoutPasskey: { ...off, otp: 'optional' } } })
  await api.register({ identifiers: ['ada@example.com', '+43 660 1234567'] })
})
afterEach(() => api.close())

/** The carriers of an operator, at these addresses. */
function use({ mail, webhook }: { mail?: string; webhook?: string }): void {
  const email = mail === undefined ? undefined : createEmail({ url: mail, from: 'Acme <no-reply@acme.example>', templates, timeoutMs, plaintext: true })
  const sms = webhook === undefined ? undefined : createSms({ url: webhook, secret, templates, timeoutMs, retries: 1, plaintext: true, now: Date.now })
  onTestFinished(() => email?.close())
  api.world.carrier = createDelivery({ ...(email && { email }), ...(sms && { sms }), timeoutMs })
}

/** While a code is on its way, or is not, somebody else signs in; and the one who waits gets through with a new key when the carrier is well again. */
async function holds(channel: Channel, expected: { status: number; code: string | undefined; facts: string[] }, mend: () => Promise<void>): Promise<void> {
  const [ada, key] = [await api.loginAt('otp'), newKey()]
  const said = await ada.step('otp/send', { channel }, { key })
  expect({ status: said.status, code: said.body.code, facts: said.events }).toEqual(expected)
  expect(said.status === 503).toBe(said.headers.has('retry-after'))
  const repeated = await ada.step('otp/send', { channel }, { key })
  expect([repeated.status, repeated.body, repeated.events]).toEqual([said.status, said.body, []])
  if (said.status === 200) return
  await mend()
  const sent = await ada.step('otp/send', { channel })
  expect([sent.status, sent.events]).toEqual([200, ['OtpIssued', 'OtpSent']])
  const { status, body } = await ada.step('otp', { code: api.code() })
  expect([status, body.session?.status]).toEqual([200, 'completed'])
}

const failed = { status: 503, code: 'delivery_failed', facts: ['OtpIssued', 'OtpDeliveryFailed'] }
const sent = { status: 200, code: undefined, facts: ['OtpIssued', 'OtpSent'] }

/** Speaks SMTP up to the message, and leaves in the middle of it. */
const breaksOff = (socket: Socket): void => {
  socket.write('220 mail.example\r\n')
  socket.on('data', (bytes) => {
    const line = bytes.toString()
    if (/^DATA/i.test(line)) socket.write('354 go on\r\n')
    else if (/^(EHLO|MAIL|RCPT)/i.test(line)) socket.write('250 ok\r\n')
    else socket.destroy()
  })
}

describe('A mail server that', () => {
  test.each<[what: string, url: () => Promise<string>, expected: typeof failed | typeof sent]>([
    ['is down', async () => 'smtp://127.0.0.1:1', failed],
    ['is slow', async () => (await smtp({ onData: (stream, _, done) => void stream.resume().on('end', () => setTimeout(done, timeoutMs / 5)) })).url, sent],
    ['takes connections and says nothing', () => tcp(() => {}), failed],
    ['hangs after the message', async () => (await smtp({ onData: (stream) => void stream.resume() })).url, failed],
    ['breaks off within the message', () => tcp(breaksOff), failed],
    ['is busy', async () => (await smtp({ onData: (stream, _, done) => void stream.resume().on('end', () => done(Object.assign(new Error('later'), { responseCode: 451 }))) })).url, failed],
  ])('%s: a fact, and an answer that says what to do', async (_, url, expected) => {
    use({ mail: await url() })
    await holds('email', expected, async () => use({ mail: (await smtp()).url }))
  })
})

describe('An SMS webhook that', () => {
  test.each<[what: string, listener: RequestListener | undefined, expected: typeof failed | typeof sent]>([
    ['is down', undefined, failed],
    ['is slow', (request, response) => void request.resume().on('end', () => setTimeout(() => response.end(), timeoutMs / 5)), sent],
    ['takes requests and says nothing', (request) => void request.resume(), failed],
    ['has an error', (request, response) => void request.resume().on('end', () => response.writeHead(500).end()), failed],
    ['hangs up', (request) => request.socket.destroy(), failed],
  ])('%s: a fact, and an answer that says what to do', async (_, listener, expected) => {
    use({ webhook: listener ? await webhook(listener) : 'http://127.0.0.1:1' })
    await holds('sms', expected, async () => use({ webhook: await webhook((request, response) => void request.resume().on('end', () => response.end())) }))
  })
})

test('While a carrier hangs, everybody else signs in', async () => {
  const [waits, asked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  api.world.carrier = async () => {
    asked.resolve()
    await waits.promise
    return { delivered: true }
  }
  const ada = await api.loginAt('otp')
  let answered = false
  const pending: Promise<Reply> = ada.step('otp/send', { channel: 'email' }).finally(() => (answered = true))
  await asked.promise
  await api.register({ identifiers: ['bob@example.com'] })
  const bob = await api.loginAt('otp', { identifier: 'bob@example.com' })
  expect((await bob.step('otp/skip')).body.session.status).toBe('completed')
  expect(answered).toBe(false)
  waits.resolve()
  expect((await pending).status).toBe(200)
})

async function webhook(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
