import { expect, test } from 'vitest'
import { type Carrier, createDelivery, type Message } from './delivery.ts'

const message: Message = {
  id: '0197a1c4-6c7e-7d3b-8a52-2f1d7e6b9c10',
  channel: 'email',
  to: 'anna@example.com',
  template: 'otp',
  locale: 'en',
  app: { name: 'Acme', domain: 'acme.example' },
  code: '123456',
  validMinutes: 5,
}
const took = (carrierId: string): Carrier => async () => ({ delivered: true, carrierId })
const hangs: Carrier = () => new Promise(() => {})

test('a message goes to the carrier of its channel', async () => {
  const deliver = createDelivery({ email: took('the post'), sms: took('the phone') })
  expect(await deliver(message)).toEqual({ delivered: true, carrierId: 'the post' })
  expect(await deliver({ ...message, channel: 'sms' })).toEqual({ delivered: true, carrierId: 'the phone' })
})

test('a channel without a carrier is a fault, not an error', async () => {
  const deliver = createDelivery({ email: took('the post') })
  expect(await deliver({ ...message, channel: 'sms' })).toEqual({ delivered: false, reason: 'no_carrier', retryable: false })
})

test('a carrier that throws is a fault, and its text stays inside', async () => {
  const rejects: Carrier = async ({ to }) => Promise.reject(new Error(`no such mailbox: ${to}`))
  const throws: Carrier = ({ to }) => {
    throw new Error(`no such mailbox: ${to}`)
  }
  for (const email of [rejects, throws]) {
    expect(await createDelivery({ email })(message)).toEqual({ delivered: false, reason: 'failed', retryable: false })
  }
})

test('a carrier that never answers is given up, and told so', async () => {
  let told: AbortSignal | undefined
  const deliver = createDelivery({ email: (_, signal) => ((told = signal), hangs(message)), timeoutMs: 20 })
  expect(await deliver(message)).toEqual({ delivered: false, reason: 'timeout', retryable: true })
  expect(told?.aborted).toBe(true)
})

test('a carrier that fails after it was given up disturbs nobody', async () => {
  const email: Carrier = (_, signal) => new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('too late'))))
  expect(await createDelivery({ email, timeoutMs: 20 })(message)).toMatchObject({ reason: 'timeout' })
})

test('the caller can end it, before and while it is sent', async () => {
  const caller = new AbortController()
  let sent = 0
  const deliver = createDelivery({ email: () => (sent++, queueMicrotask(() => caller.abort()), hangs(message)) })
  expect(await deliver(message, caller.signal)).toEqual({ delivered: false, reason: 'aborted', retryable: true })
  expect(await deliver(message, caller.signal)).toEqual({ delivered: false, reason: 'aborted', retryable: true })
  expect(sent).toBe(1)
})
