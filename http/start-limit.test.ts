import { afterAll, beforeAll, expect, test } from 'vitest'
import { openApi, type Api } from './testing.ts'

let api: Api
beforeAll(async () => {
  api = await openApi()
})
afterAll(() => api.close())

test('a start writes one event of 2 KB at most, however much a stranger sends', async () => {
  const email = `${'é'.repeat(60)}@${'b'.repeat(60)}.${'c'.repeat(60)}.example`
  await api.register({ identifiers: [email] })
  const { started, id } = await api.start({
    identifier: email,
    supports: Array.from({ length: 32 }, (_, index) => ['password', 'append_options', 'append', 'append_skip', 'append_report', 'otp_send', 'otp', 'otp_skip', 'pin', 'pin_skip', 'biometrics', 'biometrics_skip'][index] ?? 'x'.repeat(64)),
    device: { platform: 'android', locale: 'zh-Hant-TW-variant1', osVersion: '1'.repeat(32), appVersion: '2'.repeat(32), model: '漢'.repeat(48), screenLock: true },
  })
  expect(started.status).toBe(201)
  expect(started.events).toEqual(['IdentifierEntered'])
  for await (const { data, metadata } of api.log.read(`session-${id}`)) {
    expect(Buffer.byteLength(JSON.stringify(data) + JSON.stringify(metadata))).toBeLessThanOrEqual(2048)
  }
})
