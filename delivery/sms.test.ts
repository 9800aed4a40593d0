import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import type { Message } from './delivery.ts'
import { createSms, type SmsOptions } from './sms.ts'
import { loadTemplates } from './templates.ts'

const templates = loadTemplates()
const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const noon = Date.UTC(2026, 0, 1, 12)
const otp = {
  id: '0197a1c4-6c7e-7d3b-8a52-2f1d7e6b9c10',
  channel: 'sms',
  to: '+491701234321',
  template: 'otp',
  locale: 'de-AT',
  platform: 'ios',
  app: { name: 'Acme', domain: 'acme.example' },
  code: '123456',
  validMinutes: 5,
} satisfies Message

type Request = { headers: IncomingHttpHeaders; body: string }

/** The receiver's side, written from the specification (Standard Webhooks 1.0.0, "Verifying signatures"). */
function verify({ headers, body }: Request, secret: string, now: number): boolean {
  const timestamp = headers['webhook-timestamp'] as string
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const expected = createHmac('sha256', key).update(`${headers['webhook-id']}.${timestamp}.${body}`).digest()
  return (
    Math.abs(now / 1000 - Number(timestamp)) < 300 &&
    (headers['webhook-signature'] as string).split(' ').some(signature => {
      const given = Buffer.from(signature.slice('v1,'.length), 'base64')
      return signature.startsWith('v1,') && given.length === expected.length && timingSafeEqual(given, expected)
    })
  )
}

/** A real receiver that answers its requests one after the other; the last answer is given again. */
async function webhook(...answers: [RequestListener, ...RequestListener[]]) {
  const requests: Request[] = []
  const server = createServer(async (request, response) => {
    requests.push({ headers: request.headers, body: await text(request) })
    const answer = answers[Math.min(requests.length, answers.length) - 1]!
    answer(request, response)
  })
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { requests, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sms?tenant=acme` }
}

const status =
  (code: number, headers: Record<string, string> = {}): RequestListener =>
  (_, response) =>
    response.writeHead(code, headers).end('+491701234321')
const hangUp: RequestListener = request => request.socket.destroy()

/** A carrier whose clock moves only while it sleeps. */
function smsTo(url: string, options: Partial<SmsOptions> = {}) {
  let clock = noon
  const slept: number[] = []
  const sleep = async (ms: number) => {
    slept.push(ms)
    clock += ms
  }
  return { sms: createSms({ url, secret, templates, plaintext: true, now: () => clock, sleep, ...options }), slept }
}

test('the receiver gets the text, and can tell that it comes from here', async () => {
  const { requests, url } = await webhook(status(202))
  expect(await smsTo(url).sms(otp)).toEqual({ delivered: true })
  expect(requests).toHaveLength(1)
  const [request] = requests as [Request]
  expect(request.headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': otp.id })
  expect(verify(request, secret, noon)).toBe(true)
  expect(JSON.parse(request.body)).toEqual({
    id: otp.id,
    to: '+491701234321',
    text: '123456 ist Ihr Code für Acme, 5 Min. gültig. Bitte nicht weitergeben.\n\n@acme.example #123456',
    locale: 'de',
    template: 'otp',
  })
})

test('another body, another id, another secret and an old request do not verify', async () => {
  const { requests, url } = await webhook(status(200))
  await smsTo(url).sms(otp)
  const [request] = requests as [Request]
  expect(verify({ ...request, body: request.body.replace('123456', '654321') }, secret, noon)).toBe(false)
  expect(verify({ ...request, headers: { ...request.headers, 'webhook-id': 'another' } }, secret, noon)).toBe(false)
  expect(verify(request, `whsec_${Buffer.alloc(32, 8).toString('base64')}`, noon)).toBe(false)
  expect(verify(request, secret, noon + 300_000)).toBe(false)
})

test('the signature is what another program computes', async () => {
  const { requests, url } = await webhook(status(200))
  await smsTo(url).sms({ ...otp, locale: 'en' })
  // openssl dgst -sha256 -mac HMAC -macopt hexkey:0707... -binary | base64
  expect(requests[0]!.headers).toMatchObject({
    'webhook-timestamp': '1767268800',
    'webhook-signature': 'v1,KN9pPUbxhxw696Qp1g43jdzADjzY4iUJFmotHQ/7/b4=',
  })
})

test.each([
  ['5xx', status(503)],
  ['429', status(429)],
  ['a broken connection', hangUp],
])('after %s it is tried again, with the same id and body', async (_, failing) => {
  const { requests, url } = await webhook(failing, failing, status(200))
  const { sms, slept } = smsTo(url)
  expect(await sms(otp)).toEqual({ delivered: true })
  expect(requests.map(({ headers }) => headers['webhook-id'])).toEqual([otp.id, otp.id, otp.id])
  expect(new Set(requests.map(({ body }) => body)).size).toBe(1)
  expect(slept).toEqual([200, 400])
})

test.each([
  ['seconds', '3'],
  ['a date', new Date(noon + 3_000).toUTCString()],
])('Retry-After in %s is honoured, and the later attempt is signed for its own time', async (_, retryAfter) => {
  const { requests, url } = await webhook(status(429, { 'retry-after': retryAfter }), status(200))
  const { sms, slept } = smsTo(url)
  expect(await sms(otp)).toEqual({ delivered: true })
  expect(slept).toEqual([3_000])
  expect(requests.map(({ headers }) => headers['webhook-timestamp'])).toEqual([`${noon / 1000}`, `${noon / 1000 + 3}`])
  expect(verify(requests[1]!, secret, noon + 3_000)).toBe(true)
})

test('a Retry-After in the past, or of no sense, does not stop the retry', async () => {
  const past = new Date(noon - 60_000).toUTCString()
  const { url } = await webhook(status(503, { 'retry-after': past }), status(503, { 'retry-after': 'soon' }), status(200))
  const { sms, slept } = smsTo(url)
  expect(await sms(otp)).toEqual({ delivered: true })
  expect(slept).toEqual([0, 400])
})

test('a Retry-After beyond the time limit is not waited for', async () => {
  const { requests, url } = await webhook(status(429, { 'retry-after': '60' }), status(200))
  const { sms, slept } = smsTo(url)
  expect(await sms(otp)).toEqual({ delivered: false, reason: 'busy', retryable: true })
  expect([requests.length, slept]).toEqual([1, []])
})

test('after the last retry the fault is the last one', async () => {
  const failing = await webhook(status(500))
  expect(await smsTo(failing.url, { retries: 3 }).sms(otp)).toEqual({ delivered: false, reason: 'busy', retryable: true })
  expect(failing.requests).toHaveLength(4)
  const silent = await webhook(hangUp)
  expect(await smsTo(silent.url, { retries: 0 }).sms(otp)).toEqual({ delivered: false, reason: 'unreachable', retryable: true })
  expect(silent.requests).toHaveLength(1)
})

test.each([
  [400, 'refused'],
  [404, 'refused'],
  [410, 'refused'],
  [302, 'refused'],
  [401, 'rejected_credentials'],
  [403, 'rejected_credentials'],
])('%i is final: %s', async (code, reason) => {
  const elsewhere = await webhook(status(200))
  const { requests, url } = await webhook(status(code, { location: elsewhere.url }))
  expect(await smsTo(url).sms(otp)).toEqual({ delivered: false, reason, retryable: false })
  expect([requests.length, elsewhere.requests.length]).toEqual([1, 0])
})

test('a receiver that does not answer is given up', async () => {
  const { url } = await webhook(() => {})
  expect(await smsTo(url, { timeoutMs: 100 }).sms(otp)).toEqual({ delivered: false, reason: 'timeout', retryable: true })
})

test('the caller can end it, and the connection with it', async () => {
  const caller = new AbortController()
  const hungUp = Promise.withResolvers<void>()
  const { requests, url } = await webhook(request => {
    request.socket.once('close', hungUp.resolve)
    caller.abort()
  })
  expect(await smsTo(url).sms(otp, caller.signal)).toEqual({ delivered: false, reason: 'aborted', retryable: true })
  await hungUp.promise
  expect(requests).toHaveLength(1)
})

test('between two attempts it waits by itself, and the caller can end that too', async () => {
  const failing = await webhook(status(503), status(200))
  expect(await smsTo(failing.url, { sleep: undefined }).sms(otp)).toEqual({ delivered: true })
  const caller = new AbortController()
  const busy = await webhook(status(503))
  const sleep = () => new Promise(() => caller.abort())
  expect(await smsTo(busy.url, { sleep }).sms(otp, caller.signal)).toEqual({ delivered: false, reason: 'aborted', retryable: true })
  expect(busy.requests).toHaveLength(1)
})

test.each<[string, RequestListener]>([
  ['never comes', (_, response) => void response.writeHead(200, { 'content-length': '1000' }).write('+49')],
  ['breaks off', (_, response) => void response.writeHead(200, { 'content-length': '1000' }).write('+49', () => response.destroy())],
])('a yes counts although the rest of the answer %s', async (_, answer) => {
  const { requests, url } = await webhook(answer)
  expect(await smsTo(url).sms(otp)).toEqual({ delivered: true })
  expect(requests).toHaveLength(1)
})

test('nobody there is unreachable', async () => {
  expect(await smsTo('http://127.0.0.1:1/').sms(otp)).toEqual({ delivered: false, reason: 'unreachable', retryable: true })
})

test('a bad configuration stops the start, and its error shows no secret', () => {
  const good = { url: 'https://sms.example/hook', secret, templates, now: () => noon }
  const bad: Partial<SmsOptions>[] = [
    { url: 'sms.example/hunter2' },
    { url: 'http://sms.example/hunter2' },
    { url: 'file:///hunter2' },
    { url: 'https://user:hunter2@sms.example/' },
    { secret: 'hunter2' },
    { secret: `whsec_hunter2` },
    { secret: secret.replace('whsec_', '') },
    { secret: `whsec_${Buffer.alloc(65).toString('base64')}` },
  ]
  expect(() => createSms(good)).not.toThrow()
  for (const options of bad) {
    expect(() => createSms({ ...good, ...options })).toThrow(TypeError)
    try {
      createSms({ ...good, ...options })
    } catch (error) {
      expect(inspect(error, { showHidden: true })).not.toContain('hunter2')
    }
  }
})
