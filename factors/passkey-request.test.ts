import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Algorithm, AuthenticatorSettings, Ceremony } from '../stories/authenticator.ts'
import type { PasskeyFault } from './passkey-errors.ts'
import { readAssertion, requestOptions, verifyRequest, type StoredPasskey } from './passkey-request.ts'
import { android, challenge, create, ios, register, rp, user, withPart } from './testing-passkey.ts'

const verify = (passkey: StoredPasskey, response: unknown) => verifyRequest({ rp, challenge, passkey, response })

describe('options', () => {
  test('ask for one of the named passkeys and for a verified person', () => {
    expect(requestOptions({ rp, challenge, allow: [{ id: 'b2xk', transports: ['internal', 'hybrid'] }] })).toEqual({
      challenge,
      timeout: 300_000,
      rpId: 'example.com',
      allowCredentials: [{ type: 'public-key', id: 'b2xk', transports: ['internal', 'hybrid'] }],
      userVerification: 'required',
    })
  })

  test('ask for any passkey of the domain where none is named', () => {
    expect(requestOptions({ rp, challenge, allow: [] }).allowCredentials).toEqual([])
  })
})

describe('what an answer claims', () => {
  const claimed = async (userHandle: unknown) => {
    const answer = await (await register()).signIn()
    return readAssertion({ ...answer, response: { ...answer.response, userHandle } })
  }

  test('is its credential and the account that it was made for', async () => {
    const { passkey, signIn } = await register()
    expect(readAssertion(await signIn())).toEqual({ credentialId: passkey.passkey, account: user.account })
  })

  test.each([undefined, null, ''])('is no account where the user handle is %j', async (userHandle) => {
    expect(await claimed(userHandle)).toEqual({ credentialId: expect.any(String), account: undefined })
  })

  test.each([['15 bytes', Buffer.alloc(15)], ['17 bytes', Buffer.alloc(17)], ['64 bytes', Buffer.alloc(64)]])(
    'cannot be read from a user handle of %s', async (_, bytes) => expect(await claimed(bytes.toString('base64url'))).toBeUndefined(),
  )

  test('cannot be read from what is no answer to a request', async () => {
    expect(readAssertion(undefined)).toBeUndefined()
    expect(readAssertion(await create())).toBeUndefined()
    expect(await claimed('not base64url!')).toBeUndefined()
  })
})

describe('a good answer', () => {
  test.each<[Algorithm, string]>([[-8, ios], [-8, android], [-7, ios], [-7, android], [-257, ios], [-257, android]])(
    'is signed with algorithm %i and comes from %s',
    async (algorithm, origin) => {
      const { passkey, signIn } = await register({ algorithm })
      expect(await verify(passkey, await signIn({ origin }))).toEqual({
        verdict: 'good', challenge, passkey: passkey.passkey, counter: 0, backedUp: true, userVerified: true, crossDevice: false,
      })
    },
  )

  test('may come from another device', async () => {
    const { passkey, signIn } = await register()
    expect(await verify(passkey, await signIn({ crossDevice: true }))).toMatchObject({ verdict: 'good', crossDevice: true })
  })

  test('may name an attachment that nobody knows, and null or leave out what is optional', async () => {
    const { passkey, signIn } = await register()
    const answer = await signIn()
    const { clientDataJSON, authenticatorData, signature } = answer.response
    const least = { type: answer.type, id: answer.id, rawId: answer.rawId, response: { clientDataJSON, authenticatorData, signature } }
    expect(await verify(passkey, least)).toMatchObject({ verdict: 'good', crossDevice: false })
    const nulled = { ...answer, authenticatorAttachment: null, clientExtensionResults: null, response: { ...answer.response, userHandle: null } }
    expect(await verify(passkey, nulled)).toMatchObject({ verdict: 'good', crossDevice: false })
    expect(await verify(passkey, { ...answer, authenticatorAttachment: 'implant' })).toMatchObject({ verdict: 'good', crossDevice: false })
  })

  test('says whether the passkey is backed up now', async () => {
    const { passkey, signIn } = await register({ backupEligible: true, backedUp: false })
    expect(await verify(passkey, await signIn())).toMatchObject({ verdict: 'good', backedUp: false })
    const backedUp = await signIn({ authenticatorData: (data) => data.fill(data.readUInt8(32) | 16, 32, 33) })
    expect(await verify(passkey, backedUp)).toMatchObject({ verdict: 'good', backedUp: true })
  })

  test.each([[0, 0], [0, 1], [5, 6], [5, 2 ** 32 - 1]])('counts on: %i was stored and %i is new', async (counter, next) => {
    const { passkey, signIn } = await register()
    const answer = await signIn({ authenticatorData: (data) => (data.writeUInt32BE(next, 33), data) })
    expect(await verify({ ...passkey, counter }, answer)).toMatchObject({ verdict: 'good', counter: next })
  })

  test('may carry extensions that nobody asked for', async () => {
    const { passkey, signIn } = await register()
    const extended = (data: Buffer) => Buffer.concat([data.fill(data.readUInt8(32) | 128, 32, 33), Buffer.from('a1636b6579f5', 'hex')])
    expect(await verify(passkey, await signIn({ authenticatorData: extended }))).toMatchObject({ verdict: 'good' })
  })
})

/** Every one of these is signed as it stands: it is the rule that refuses it, not the signature. */
describe('refused, well signed', () => {
  const flags = (change: (flags: number) => number) => (data: Buffer) => data.fill(change(data.readUInt8(32)), 32, 33)
  const counter = (next: number) => (data: Buffer) => (data.writeUInt32BE(next, 33), data)
  const notEligible: AuthenticatorSettings = { backupEligible: false }
  const rules: [string, PasskeyFault, boolean, Partial<Ceremony>, (AuthenticatorSettings & { stored?: Partial<StoredPasskey> })?][] = [
    ['the answer to a creation', 'wrong_type', false, { clientData: { type: 'webauthn.create' } }],
    ['the answer to a payment', 'wrong_type', false, { clientData: { type: 'payment.get' } }],
    ['another challenge', 'wrong_challenge', true, { clientData: { challenge: Buffer.alloc(32).toString('base64url') } }],
    ['the same challenge spelt otherwise', 'wrong_challenge', true, { clientData: { challenge: `${challenge}=` } }],
    ['a subdomain', 'wrong_origin', false, { origin: 'https://login.example.com' }],
    ['a port', 'wrong_origin', false, { origin: 'https://example.com:8443' }],
    ['no TLS', 'wrong_origin', false, { clientData: { origin: 'http://example.com' } }],
    ["another app's certificate", 'wrong_origin', false, { origin: 'android:apk-key-hash:AAAA' }],
    ['a frame', 'cross_origin', false, { clientData: { crossOrigin: true } }],
    ['a frame in a page that is named', 'cross_origin', false, { clientData: { crossOrigin: true, topOrigin: ios } }],
    ['a page around it that it denies', 'cross_origin', false, { clientData: { topOrigin: ios } }],
    ['a page around it without a name', 'cross_origin', false, { clientData: { topOrigin: '' } }],
    ['the RP ID of another', 'wrong_rp', false, { authenticatorData: (data) => data.fill(7, 0, 32) }],
    ['nobody there', 'user_not_present', true, { userPresent: false }],
    ['nobody verified', 'user_not_verified', true, { userVerified: false }],
    ['a copy of what cannot be copied', 'bad_backup_flags', false, { authenticatorData: flags((flags) => flags | 16) }, notEligible],
    ['a passkey that can be copied all at once', 'backup_eligibility_changed', false, { authenticatorData: flags((flags) => flags | 8) }, notEligible],
    ['one that cannot be copied any more', 'backup_eligibility_changed', false, { authenticatorData: flags((flags) => flags & ~24) }],
    ['a counter that stands still', 'counter_not_increased', false, { authenticatorData: counter(5) }, { stored: { counter: 5 } }],
    ['a counter that goes back', 'counter_not_increased', false, { authenticatorData: counter(4) }, { stored: { counter: 5 } }],
    ['a counter that is gone', 'counter_not_increased', false, { authenticatorData: counter(0) }, { stored: { counter: 5 } }],
    ['a token binding that is none', 'malformed', false, { clientData: { tokenBinding: { status: 'perhaps' } } }],
  ]
  test.each(rules)('%s', async (_, reason, retryable, ceremony, { stored = {}, ...settings } = {}) => {
    const { passkey, signIn } = await register(settings)
    expect(await verify({ ...passkey, ...stored }, await signIn(ceremony))).toEqual({ verdict: 'bad', challenge, reason, retryable })
  })
})

describe('refused', () => {
  const reason = async (passkey: StoredPasskey, response: unknown) => {
    const verdict = await verify(passkey, response)
    return verdict.verdict === 'bad' ? verdict.reason : 'good'
  }

  test.each<Algorithm>([-8, -7, -257])('the signature of another passkey of algorithm %i', async (algorithm) => {
    const { passkey } = await register({ algorithm })
    const other = await (await register({ algorithm })).signIn()
    expect(await reason(passkey, { ...other, id: passkey.passkey, rawId: passkey.passkey })).toBe('bad_signature')
  })

  test.each<Algorithm>([-8, -7, -257])('a signature of algorithm %i that is cut short, padded or random', async (algorithm) => {
    const { passkey, signIn } = await register({ algorithm })
    const answer = await signIn()
    const changed = (change: (signature: Buffer) => Uint8Array) => reason(passkey, withPart(answer, 'signature', change))
    expect(await changed((signature) => signature.subarray(1))).toBe('bad_signature')
    expect(await changed((signature) => Buffer.concat([signature, Buffer.of(0)]))).toBe('bad_signature')
    const garbage = fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
      expect(await changed(() => bytes)).toBe('bad_signature')
    })
    await fc.assert(garbage, { seed: 1, numRuns: 200 })
  })

  test('an ES256 signature in another spelling of DER, although its numbers are right', async () => {
    const { passkey, signIn } = await register()
    let answer = await signIn()
    // Half of all first numbers need a zero before them.
    while (Buffer.from(answer.response.signature, 'base64url').readUInt8(4) !== 0) answer = await signIn()
    expect(await reason(passkey, answer)).toBe('good')
    const spellings: [string, (der: Buffer) => Buffer][] = [
      ['the length in two bytes', (der) => Buffer.concat([Buffer.of(0x30, 0x81), der.subarray(1)])],
      ['a SEQUENCE of the private class', (der) => Buffer.concat([Buffer.of(0xf0), der.subarray(1)])],
      ['a zero too many', (der) => Buffer.concat([Buffer.of(0x30, der.readUInt8(1) + 1, 2, 34, 0), der.subarray(4)])],
      ['a zero too few', (der) => Buffer.concat([Buffer.of(0x30, der.readUInt8(1) - 1, 2, 32), der.subarray(5)])],
    ]
    for (const [spelling, spell] of spellings) expect(await reason(passkey, withPart(answer, 'signature', spell)), spelling).toBe('bad_signature')
  })

  test('a bad signature before its counter is looked at', async () => {
    const { passkey, signIn } = await register()
    const forged = withPart(await signIn(), 'authenticatorData', (data) => (data.writeUInt32BE(4, 33), data))
    expect(await reason({ ...passkey, counter: 5 }, forged)).toBe('bad_signature')
  })

  test('another id than the stored one, and two ids', async () => {
    const { passkey, signIn } = await register()
    const answer = await signIn()
    expect(await reason(passkey, { ...answer, id: 'AAAA', rawId: 'AAAA' })).toBe('id_mismatch')
    expect(await reason(passkey, { ...answer, id: 'AAAA' })).toBe('id_mismatch')
    expect(await reason(passkey, { ...answer, rawId: 'AAAA' })).toBe('id_mismatch')
  })

  test.each(['', 'AAAA', 'oA', 'pQECAyYgASFYIAAA'])('whatever a stored key of %j is said to have signed', async (publicKey) => {
    const { passkey, signIn } = await register()
    expect(await reason({ ...passkey, publicKey }, await signIn())).toBe('unusable_key')
  })

  test.each<[string, (answer: Awaited<ReturnType<Awaited<ReturnType<typeof register>>['signIn']>>) => unknown]>([
    ['nothing', () => undefined],
    ['another type of credential', (answer) => ({ ...answer, type: 'password' })],
    ['an id with padding', (answer) => ({ ...answer, id: `${answer.id}==` })],
    ['no signature', (answer) => withPart(answer, 'signature', () => Buffer.alloc(0))],
    ['client data that is no JSON', (answer) => withPart(answer, 'clientDataJSON', () => Buffer.from('{'))],
    ['client data that is null', (answer) => withPart(answer, 'clientDataJSON', () => Buffer.from('null'))],
    ['authenticator data of 36 bytes', (answer) => withPart(answer, 'authenticatorData', (data) => data.subarray(1))],
    ['authenticator data with a byte too many', (answer) => withPart(answer, 'authenticatorData', (data) => Buffer.concat([data, Buffer.of(0)]))],
    ['a user handle that is a number', (answer) => ({ ...answer, response: { ...answer.response, userHandle: 7 } })],
  ])('%s is malformed', async (_, change) => {
    const { passkey, signIn } = await register()
    expect(await verify(passkey, change(await signIn()))).toEqual({ verdict: 'bad', challenge, reason: 'malformed', retryable: false })
  })

  test('the answer to a creation is malformed', async () => {
    expect(await reason((await register()).passkey, await create())).toBe('malformed')
  })
})

describe('whatever a client sends', () => {
  const runs = process.env['PROVE'] ? 20_000 : 500

  test('is judged, never thrown at', async () => {
    const { passkey } = await register()
    const anything = fc.asyncProperty(fc.anything({ withNullPrototype: true, withBigInt: true, withMap: true }), async (response) => {
      expect(await verify(passkey, response)).toMatchObject({ verdict: 'bad', reason: 'malformed' })
      expect(readAssertion(response)).toBeUndefined()
    })
    await fc.assert(anything, { seed: 1, numRuns: runs })
  })

  test('in place of any one part of a real answer is judged, never thrown at', async () => {
    const { passkey, signIn } = await register()
    const { response, ...answer } = await signIn()
    const parts = ['type', 'id', 'rawId', 'response', 'clientDataJSON', 'authenticatorData', 'signature', 'userHandle', 'authenticatorAttachment']
    const encoded = fc.oneof(fc.uint8Array(), fc.json()).map((content) => Buffer.from(content as string).toString('base64url'))
    const replaced = fc.asyncProperty(fc.constantFrom(...parts), fc.oneof(fc.anything(), fc.string(), encoded), async (part, value) => {
      const changed = part in response ? { ...answer, response: { ...response, [part]: value } } : { ...answer, response, [part]: value }
      const verdict = await verify(passkey, changed)
      // An attachment is a hint, and whose account it is was judged before, by `readAssertion`.
      if (verdict.verdict === 'good') expect(['authenticatorAttachment', 'userHandle']).toContain(part)
      expect(verdict).not.toHaveProperty('reason', 'rejected')
    })
    await fc.assert(replaced, { seed: 2, numRuns: runs })
  })
})
