import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Receipt } from '../delivery/delivery.ts'
import { newKey, openApi, type Api, type Login } from './testing.ts'

let api: Api
let login: Login
beforeEach(async () => {
  api = await openApi()
  await api.register({ identifiers: ['ada@example.com', '+43 660 1234567'] })
  login = await api.loginAt('otp')
})
afterEach(() => api.close())

const says = (receipt: Receipt) => (api.world.carrier = async () => receipt)
const send = (key = newKey(), channel = 'email', on?: Api['app']) => login.step('otp/send', { channel }, { key }, on)
const parcels = () => api.world.messages.map(({ id, code }) => `${id} ${code}`)

test('A carrier that cannot take a code now is a fact and a 503; the same key says so again and sends nothing, a new one sends at once', async () => {
  says({ delivered: false, reason: 'timeout', retryable: true })
  const key = newKey()
  const first = await send(key)
  expect([first.status, first.events]).toEqual([503, ['OtpIssued', 'OtpDeliveryFailed']])
  expect(first.body).toMatchObject({ code: 'delivery_failed', reason: 'timeout', retryable: true, otp: { delivery: 'failed', resendAt: null, sendsLeft: 4 } })
  expect(first.body.next.map(({ action }: { action: string }) => action)).toEqual(['otp_send', 'otp'])

  says({ delivered: true })
  const repeat = await send(key)
  expect([repeat.status, repeat.body, repeat.events, api.world.messages.length]).toEqual([503, first.body, [], 1])
  const second = await send()
  expect([second.status, second.events, second.body.otp.delivery, api.world.messages.length]).toEqual([200, ['OtpIssued', 'OtpSent'], 'sent', 2])
})

test('An address that the carrier refuses is a 422, and another channel may do', async () => {
  says({ delivered: false, reason: 'refused', retryable: false })
  const refused = await send()
  expect([refused.status, refused.events]).toEqual([422, ['OtpIssued', 'OtpDeliveryFailed']])
  expect(refused.body).toMatchObject({ code: 'delivery_refused', reason: 'refused', retryable: false })
  says({ delivered: true })
  expect((await send(newKey(), 'sms')).body.otp).toMatchObject({ channel: 'sms', delivery: 'sent' })
})

test('A carrier that is badly set up is a 503 that does not say when to come back', async () => {
  says({ delivered: false, reason: 'rejected_credentials', retryable: false })
  const { status, body, headers } = await send()
  expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'delivery_failed', null])
})

test('A code that did not get through can still be typed: it may have been only the answer that was lost', async () => {
  says({ delivered: false, reason: 'timeout', retryable: true })
  await send()
  expect((await login.step('otp', { code: api.code() })).events).toEqual(['OtpVerified'])
})

test('A code that an engine issued and died with is sent by the repeat: the same code, under the same delivery id', async () => {
  api.world.carrier = async () => {
    throw new Error('the process died')
  }
  const key = newKey()
  const died = await send(key)
  expect([died.status, died.body.code, died.events]).toEqual([500, 'internal', ['OtpIssued']])
  says({ delivered: true, carrierId: 'carrier 2' })
  const { app } = await api.openNode()
  const healed = await send(key, 'email', app)
  expect([healed.status, healed.events, healed.body.otp.delivery]).toEqual([200, ['OtpSent'], 'sent'])
  const [first, second, ...more] = parcels()
  expect([second, more]).toEqual([first, []])
  expect(await send(key)).toMatchObject({ status: 200, body: healed.body, events: [] })
})

test('While a carrier hangs, the repeat on the same engine waits with it, and one on another engine sends for it', async () => {
  const hanging = Promise.withResolvers<Receipt>()
  api.world.carrier = () => hanging.promise
  const key = newKey()
  const waiting = [api.app, api.app].map((app) => app.request(`${login.path}/otp/send`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key, Authorization: `Bearer ${login.flowToken}` },
    body: '{"channel":"email"}',
  }))
  while (api.world.messages.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  says({ delivered: true })
  const { app } = await api.openNode()
  expect((await send(key, 'email', app)).events).toEqual(['OtpSent'])

  hanging.resolve({ delivered: false, reason: 'timeout', retryable: true })
  for (const answer of await Promise.all(waiting)) expect([answer.status, await answer.json()]).toMatchObject([200, { otp: { delivery: 'sent' } }])
  expect([await api.written(), api.world.messages.length, new Set(parcels()).size]).toEqual([[], 2, 1])
})

test('A repeat that comes after a newer code sends nothing: the older one is dead', async () => {
  api.world.carrier = async () => {
    throw new Error('the process died')
  }
  const key = newKey()
  await send(key)
  says({ delivered: true })
  api.pass(30)
  await send()
  const repeat = await send(key)
  expect([repeat.status, repeat.events, repeat.body.otp.delivery, api.world.messages.length]).toEqual([200, [], 'pending', 2])
})

test.each([['the code is too old', () => api.pass(300)], ['the login is over', () => api.call('DELETE', login.path, { token: login.flowToken })]])(
  'A repeat that comes when %s sends nothing',
  async (_, happen) => {
    api.world.carrier = async () => {
      throw new Error('the process died')
    }
    const key = newKey()
    await send(key)
    says({ delivered: true })
    await happen()
    expect([(await send(key)).events, api.world.messages.length]).toEqual([[], 1])
  },
)

test('What went wrong with the carrier is told to nobody outside', async () => {
  api.world.carrier = async ({ to, code }) => {
    throw new Error(`could not send ${code} to ${to}`)
  }
  const { body } = await send()
  expect(body).toEqual({ type: 'urn:keyledger:problem:internal', title: 'This should not have happened', status: 500, code: 'internal' })
  expect(api.world.errors).toHaveLength(1)
})
