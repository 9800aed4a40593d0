import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RegistrationResponseJSON } from '@simplewebauthn/server'
import { createAuthenticator, type Algorithm } from '../stories/authenticator.ts'
import {
  android, challenge, create, ios, optionsFor, publicKeyOf, rp, user, withAttestation, withClientData, withData, withFlags, withId, withKey,
} from './testing-passkey.ts'
import { creationOptions, verifyCreation, type CreationMode } from './passkey.ts'
import type { PasskeyFault } from './passkey-errors.ts'

const verify = (response: unknown, mode: CreationMode = 'manual') => verifyCreation({ rp, challenge, mode, response })

describe('options', () => {
  const excludes = [{ id: 'b2xk', transports: ['internal', 'hybrid'] }]

  test('ask for a discoverable passkey of a verified person, bound to the account', () => {
    expect(creationOptions({ rp, user, challenge, excludes, mode: 'manual' })).toEqual({
      rp: { id: 'example.com', name: 'Example' },
      user: { id: 'Pw5sGo9bTFWdOgobLD1OXw', name: 'ada@example.com', displayName: 'Ada' },
      challenge,
      pubKeyCredParams: [{ type: 'public-key', alg: -8 }, { type: 'public-key', alg: -7 }, { type: 'public-key', alg: -257 }],
      timeout: 300_000,
      excludeCredentials: [{ type: 'public-key', id: 'b2xk', transports: ['internal', 'hybrid'] }],
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      attestation: 'none',
    })
    expect(Buffer.from(optionsFor('manual').user.id, 'base64url').toString('hex')).toBe(user.account.replaceAll('-', ''))
  })

  test('are the same for the automatic mode, and only prefer a verified person for the conditional one', () => {
    expect(optionsFor('automatic')).toEqual(optionsFor('manual'))
    expect(optionsFor('conditional')).toEqual({
      ...optionsFor('manual'),
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'preferred' },
    })
  })
})

describe('a good creation', () => {
  test.each<[Algorithm, 'none' | 'self']>([[-8, 'none'], [-7, 'none'], [-257, 'none'], [-8, 'self'], [-7, 'self'], [-257, 'self']])(
    'with algorithm %i and attestation %s is stored as the authenticator made it',
    async (algorithm, attestation) => {
      const response = await createAuthenticator({ algorithm }).create(optionsFor('manual'), { origin: ios, attestation })
      expect(await verify(response)).toEqual({
        verdict: 'good',
        challenge,
        passkey: {
          credentialId: response.id,
          publicKey: publicKeyOf(response),
          algorithm,
          aaguid: 'ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4',
          counter: 0,
          transports: ['internal', 'hybrid'],
          backupEligible: true,
          backedUp: true,
          uvInitialized: true,
          attachment: 'platform',
        },
      })
    },
  )

  test('comes from iOS and from Android', async () => {
    expect(await verify(await create({}, { origin: ios }))).toMatchObject({ verdict: 'good' })
    expect(await verify(await create({}, { origin: android }))).toMatchObject({ verdict: 'good' })
  })

  test('on a security key is bound to it and counts', async () => {
    const key = await create({ backupEligible: false, aaguid: '00000000-0000-0000-0000-000000000000' })
    const passkey = { backupEligible: false, backedUp: false, counter: 1, transports: ['usb', 'nfc'], attachment: 'cross-platform' }
    expect(await verify(key)).toMatchObject({ verdict: 'good', passkey })
  })

  test('may name transports and attachments that nobody knows yet, twice, or none', async () => {
    const creation = await create({ transports: ['hybrid', 'telepathy', 'hybrid'] })
    const verdict = await verify({ ...creation, authenticatorAttachment: 'implant' })
    expect(verdict).toMatchObject({ verdict: 'good', passkey: { transports: ['hybrid'] } })
    expect(verdict).not.toHaveProperty('passkey.attachment')
    const { id, rawId, type, response: { clientDataJSON, attestationObject } } = creation
    const least = await verify({ id, rawId, type, response: { clientDataJSON, attestationObject } })
    expect(least).toMatchObject({ verdict: 'good', passkey: { transports: [] } })
  })

  test('may be silent where a silent one was asked for, and then says so', async () => {
    const silent = await create({}, { userPresent: false, userVerified: false })
    expect(await verify(silent, 'conditional')).toMatchObject({ verdict: 'good', passkey: { uvInitialized: false } })
    expect(await verify(await create(), 'conditional')).toMatchObject({ verdict: 'good', passkey: { uvInitialized: true } })
  })

  test.each<CreationMode>(['manual', 'automatic'])('may not be silent where the offer was %s', async (mode) => {
    const present = await create({}, { userVerified: false })
    expect(await verify(present, mode)).toMatchObject({ verdict: 'bad', reason: 'user_not_verified' })
    const silent = await create({}, { userPresent: false, userVerified: false })
    expect(await verify(silent, mode)).toMatchObject({ verdict: 'bad', reason: 'user_not_present' })
  })

  test('may have an id of up to 1023 bytes', async () => {
    const id = Buffer.alloc(1023, 1)
    expect(await verify(withId(await create(), id))).toMatchObject({ verdict: 'good', passkey: { credentialId: id.toString('base64url') } })
  })

  test.each(['packed', 'tpm', 'android-key', 'android-safetynet', 'apple', 'fido-u2f', 'not-invented-yet'])(
    'with a statement of format %s, which nobody asked for, is taken without reading the statement',
    async (format) => {
      const statement = new Map<string, Uint8Array | Uint8Array[]>([['x5c', [Uint8Array.of(1)]], ['sig', Uint8Array.of(2)]])
      const attested = withAttestation(await create(), (attestation) => attestation.set('fmt', format).set('attStmt', statement))
      expect(await verify(attested)).toMatchObject({ verdict: 'good' })
    },
  )
})

describe('refused', () => {
  const statement = async (fmt: string, members: [string, number | Uint8Array][]) =>
    withAttestation(await create(), (attestation) => attestation.set('fmt', fmt).set('attStmt', new Map(members)))
  const elsewhere = { ...optionsFor('manual'), rp: { id: 'example.org', name: 'Other' } }
  const ed25519 = () => create({ algorithm: -8 })
  const self = () => create({}, { attestation: 'self' })
  const rules: [string, PasskeyFault, boolean, () => Promise<unknown>][] = [
    ['the answer to a login', 'wrong_type', false, () => create({}, { clientData: { type: 'webauthn.get' } })],
    ['another challenge', 'wrong_challenge', true, () => create({}, { clientData: { challenge: Buffer.alloc(32).toString('base64url') } })],
    ['the same challenge spelt otherwise', 'wrong_challenge', true, () => create({}, { clientData: { challenge: `${challenge}=` } })],
    ['a subdomain', 'wrong_origin', false, () => create({}, { origin: 'https://login.example.com' })],
    ['a port', 'wrong_origin', false, () => create({}, { origin: 'https://example.com:8443' })],
    ["another app's certificate", 'wrong_origin', false, () => create({}, { origin: 'android:apk-key-hash:AAAA' })],
    ['a frame', 'cross_origin', false, () => create({}, { clientData: { crossOrigin: true } })],
    ['a frame in a page that is named', 'cross_origin', false, () => create({}, { clientData: { topOrigin: ios } })],
    ['the RP ID of another', 'wrong_rp', false, () => createAuthenticator().create(elsewhere, { origin: android })],
    ['nobody there', 'user_not_present', true, () => create({}, { userPresent: false })],
    ['nobody verified', 'user_not_verified', true, () => create({}, { userVerified: false })],
    ['a copy of what cannot be copied', 'bad_backup_flags', false, () => create({ backupEligible: false, backedUp: true })],
    ['ES384, which was not offered', 'algorithm_not_offered', false, async () => withKey(await create(), (key) => key.set(3, -35))],
    ['a point that is not on the curve', 'unusable_key', false, async () => withKey(await create(), (key) => key.set(-2, new Uint8Array(32)))],
    ['a compressed point', 'unusable_key', false, async () => withKey(await create(), (key) => key.set(-3, true))],
    ['a key of another type than its algorithm', 'unusable_key', false, async () => withKey(await create(), (key) => key.set(3, -8))],
    [
      'an RSA key of 1024 bits', 'unusable_key', false,
      async () => withKey(await create({ algorithm: -257 }), (key) => key.set(-1, new Uint8Array(128).fill(255))),
    ],
    ['X25519 for a curve', 'unusable_key', false, async () => withKey(await ed25519(), (key) => key.set(-1, 4))],
    ['an Ed25519 key that calls itself EC2', 'unusable_key', false, async () => withKey(await ed25519(), (key) => key.set(1, 2))],
    ['an RSA key that calls itself EC2', 'unusable_key', false, async () => withKey(await create({ algorithm: -257 }), (key) => key.set(1, 2))],
    ['an Ed25519 key that is too short', 'unusable_key', false, async () => withKey(await ed25519(), (key) => key.set(-2, new Uint8Array(31)))],
    ['a statement where there is none', 'bad_attestation', false, () => statement('none', [['alg', -7]])],
    ['self attestation of another counter', 'bad_attestation', false, async () => withData(await self(), (data) => data.fill(9, 36, 37))],
    ['self attestation without a signature', 'bad_attestation', false, () => statement('packed', [['alg', -7]])],
    ['self attestation with a signature that is none', 'bad_attestation', false, () => statement('packed', [['alg', -7], ['sig', Uint8Array.of(1)]])],
    ['self attestation by a key that cannot sign', 'unusable_key', false, async () => withKey(await self(), (key) => key.set(-2, new Uint8Array(32)))],
    ['another id beside the attested one', 'id_mismatch', false, async () => ({ ...(await create()), id: 'AAAA', rawId: 'AAAA' })],
    ['two ids', 'id_mismatch', false, async () => ({ ...(await create()), rawId: 'AAAA' })],
    ['an id of 1024 bytes', 'id_too_long', false, async () => withId(await create(), Buffer.alloc(1024, 1))],
  ]
  test.each(rules)('%s', async (_, reason, retryable, creation) => {
    expect(await verify(await creation())).toEqual({ verdict: 'bad', challenge, reason, retryable })
  })

  const withObject = (creation: RegistrationResponseJSON, object: Buffer) =>
    ({ ...creation, response: { ...creation.response, attestationObject: object.toString('base64url') } })
  test.each<[string, (creation: RegistrationResponseJSON) => unknown]>([
    ['nothing', () => undefined],
    ['a text', () => 'creation'],
    ['another type of credential', (creation) => ({ ...creation, type: 'password' })],
    ['no id', ({ id: _, ...rest }) => rest],
    ['an id with padding', (creation) => ({ ...creation, id: `${creation.id}==`, rawId: `${creation.id}==` })],
    ['client data that is no JSON', (creation) => withClientData(creation, () => Buffer.from('{'))],
    ['client data that is null', (creation) => withClientData(creation, () => Buffer.from('null'))],
    ['an attestation object that is no CBOR', (creation) => withObject(creation, Buffer.of(0, 0, 0))],
    ['a statement that is no map', (creation) => withAttestation(creation, (attestation) => attestation.set('attStmt', []))],
    ['authenticator data of 36 bytes', (creation) => withData(creation, (data) => data.subarray(0, 36))],
    ['authenticator data with a byte too many', (creation) => withData(creation, (data) => Buffer.concat([data, Buffer.of(0)]))],
    ['no attested credential', (creation) => withFlags(withData(creation, (data) => data.subarray(0, 37)), (flags) => flags & ~64)],
    ['a key that is no map', (creation) => withData(creation, (data) => Buffer.concat([data.subarray(0, 71), Buffer.of(1)]))],
    ['a key without an algorithm', (creation) => withKey(creation, (key) => key.delete(3))],
    ['token binding as a text', (creation) => withClientData(creation, (data) => Buffer.from(data.toString().replace('{', '{"tokenBinding":"x",')))],
    ['CBOR nested a hundred thousand deep', (creation) => withObject(creation, Buffer.alloc(100_000, 0x81))],
    ['an attestation object without a format', (creation) => withAttestation(creation, (attestation) => attestation.delete('fmt'))],
  ])('%s is malformed', async (_, change) => {
    expect(await verify(change(await create()))).toEqual({ verdict: 'bad', challenge, reason: 'malformed', retryable: false })
  })
})

describe('every single bit', () => {
  const flip = (bytes: Buffer, bit: number) => bytes.fill(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3, (bit >> 3) + 1)
  /** The bytes of which a bit can be turned without being refused. */
  const indifferent = async (length: number, turned: (bit: number) => RegistrationResponseJSON) => {
    const bytes = new Set<number>()
    for (let bit = 0; bit < length * 8; bit++) if ((await verify(turned(bit))).verdict === 'good') bytes.add(bit >> 3)
    return [...bytes]
  }
  const size = (text: string | undefined) => Buffer.from(text ?? '', 'base64url').length

  const random = (bytes: number) => Buffer.alloc(bytes, 7)

  test('of a self-attested creation counts', async () => {
    const creation = await create({ random }, { attestation: 'self' })
    const { authenticatorData, clientDataJSON } = creation.response
    expect(await indifferent(size(authenticatorData), (bit) => withData(creation, (data) => flip(data, bit)))).toEqual([])
    expect(await indifferent(size(clientDataJSON), (bit) => withClientData(creation, (data) => flip(data, bit)))).toEqual([])
  })

  test('of an unattested one counts, but for unused flags, the backup state, the counter and the AAGUID, for which nothing vouches', async () => {
    const creation = await create({ random })
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)
    // 115 is the length of the key's last member: the library's CBOR decoder reads to the end where it says more. The key stays the same.
    const data = size(creation.response.authenticatorData)
    expect(await indifferent(data, (bit) => withData(creation, (data) => flip(data, bit)))).toEqual([...range(32, 53), 115])
    for (const [bit, verdict] of [[0, 'bad'], [1, 'good'], [2, 'bad'], [3, 'bad'], [4, 'good'], [5, 'good'], [6, 'bad'], [7, 'bad']] as const) {
      expect(await verify(withFlags(creation, (flags) => flags ^ (1 << bit)))).toMatchObject({ verdict })
    }
    // A member of another name than crossOrigin means nothing.
    const json = Buffer.from(creation.response.clientDataJSON, 'base64url')
    const name = json.indexOf('crossOrigin')
    expect(await indifferent(json.length, (bit) => withClientData(creation, (data) => flip(data, bit)))).toEqual(range(name, name + 11))
  })
})

describe('whatever a client sends', () => {
  const isJudged = async (response: unknown) => {
    expect(await verify(response)).toHaveProperty('verdict')
  }

  test('is judged, never thrown at', async () => {
    await fc.assert(fc.asyncProperty(fc.anything({ withNullPrototype: true, withBigInt: true, withMap: true }), isJudged), { seed: 1, numRuns: 500 })
  })

  test('in place of any one part of a real creation is judged, never thrown at', async () => {
    const { response, ...creation } = await create()
    const part = fc.constantFrom('type', 'id', 'rawId', 'response', 'authenticatorAttachment', 'clientExtensionResults')
    const inner = fc.constantFrom('clientDataJSON', 'attestationObject', 'transports')
    const encoded = fc.oneof(fc.uint8Array(), fc.json()).map((content) => Buffer.from(content as string).toString('base64url'))
    const value = fc.oneof(fc.anything(), fc.string(), encoded)
    const outer = fc.asyncProperty(part, value, (name, value) => isJudged({ ...creation, response, [name]: value }))
    await fc.assert(outer, { seed: 2, numRuns: 500 })
    const nested = fc.asyncProperty(inner, value, (name, value) => isJudged({ ...creation, response: { ...response, [name]: value } }))
    await fc.assert(nested, { seed: 3, numRuns: 500 })
  })
})
