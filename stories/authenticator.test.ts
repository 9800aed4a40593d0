import { createHash, createPublicKey, verify } from 'node:crypto'
import type { PublicKeyCredentialCreationOptionsJSON, PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/server'
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server'
import { describe, expect, test } from 'vitest'
import { createAuthenticator, type Algorithm } from './authenticator.ts'

const origin = 'https://example.com'
const rpId = 'example.com'
const challenge = Buffer.alloc(32, 1).toString('base64url')
const creation = (changes: Partial<PublicKeyCredentialCreationOptionsJSON> = {}): PublicKeyCredentialCreationOptionsJSON => ({
  rp: { id: rpId, name: 'Example' },
  user: { id: 'dXNlcg', name: 'ada', displayName: 'Ada' },
  challenge,
  pubKeyCredParams: [-8, -7, -257].map((alg) => ({ type: 'public-key', alg })),
  authenticatorSelection: { userVerification: 'required' },
  ...changes,
})
const request = (...allowed: string[]): PublicKeyCredentialRequestOptionsJSON => ({
  rpId,
  challenge,
  userVerification: 'required',
  allowCredentials: allowed.map((id) => ({ type: 'public-key', id })),
})
const seeded = () => {
  let count = 0
  return (bytes: number) => createHash('shake256', { outputLength: bytes }).update(`seed ${count++}`).digest()
}

describe('the software authenticator', () => {
  test.each<Algorithm>([-8, -7, -257])('creates a passkey of algorithm %i and signs in with it', async (algorithm) => {
    const authenticator = createAuthenticator({ algorithm })
    const created = await authenticator.create(creation(), { origin, attestation: 'self' })
    const expected = { expectedChallenge: challenge, expectedOrigin: origin, expectedRPID: rpId }
    const { registrationInfo } = await verifyRegistrationResponse({ response: created, supportedAlgorithmIDs: [algorithm], ...expected })
    if (!registrationInfo) throw new Error('not verified')
    const response = await authenticator.get(request(), { origin })
    expect(response.response.userHandle).toBe('dXNlcg')
    expect(await verifyAuthenticationResponse({ response, credential: registrationInfo.credential, ...expected })).toMatchObject({ verified: true })
  })

  test('hands out the key that it signs with', async () => {
    const authenticator = createAuthenticator()
    const { response } = await authenticator.create(creation(), { origin })
    const key = createPublicKey({ key: Buffer.from(response.publicKey ?? '', 'base64url'), format: 'der', type: 'spki' })
    const { response: { authenticatorData, clientDataJSON, signature } } = await authenticator.get(request(), { origin })
    const hash = createHash('sha256').update(Buffer.from(clientDataJSON, 'base64url')).digest()
    const signed = Buffer.concat([Buffer.from(authenticatorData, 'base64url'), hash])
    expect(verify('sha256', signed, key, Buffer.from(signature, 'base64url'))).toBe(true)
  })

  test('counts signatures when its passkeys cannot be copied, and only then', async () => {
    const counterAfterTwoLogins = async (backupEligible: boolean) => {
      const authenticator = createAuthenticator({ backupEligible })
      await authenticator.create(creation(), { origin })
      await authenticator.get(request(), { origin })
      const { response } = await authenticator.get(request(), { origin })
      return Buffer.from(response.authenticatorData, 'base64url').readUInt32BE(33)
    }
    expect(await counterAfterTwoLogins(false)).toBe(3)
    expect(await counterAfterTwoLogins(true)).toBe(0)
  })

  test('keeps one passkey per account and answers with the newest', async () => {
    const authenticator = createAuthenticator()
    const first = await authenticator.create(creation(), { origin })
    const other = await authenticator.create(creation({ user: { id: 'b3RoZXI', name: 'bob', displayName: 'Bob' } }), { origin })
    expect((await authenticator.get(request(), { origin })).id).toBe(other.id)
    expect((await authenticator.get(request(first.id), { origin })).id).toBe(first.id)
    const second = await authenticator.create(creation(), { origin })
    expect((await authenticator.get(request(), { origin })).id).toBe(second.id)
    await expect(authenticator.get(request(first.id), { origin })).rejects.toThrow('There is no passkey here')
  })

  test('can be another device than the one that asks, and can lie', async () => {
    const authenticator = createAuthenticator()
    await authenticator.create(creation(), { origin })
    expect(await authenticator.get(request(), { origin })).toMatchObject({ authenticatorAttachment: 'platform' })
    expect(await authenticator.get(request(), { origin, crossDevice: true })).toMatchObject({ authenticatorAttachment: 'cross-platform' })
    const { response } = await authenticator.get(request(), { origin, authenticatorData: (data) => data.fill(0, 0, 32) })
    expect(response.authenticatorData).toMatch(/^A{42}/)
  })

  test('fails as the platforms do', async () => {
    const authenticator = createAuthenticator()
    const failure = (ceremony: Promise<unknown>) => ceremony.then(() => 'none', (error: Error) => error.name)
    expect(await failure(authenticator.get(request(), { origin }))).toBe('NotAllowedError')
    const { id } = await authenticator.create(creation(), { origin })
    expect(await failure(authenticator.create(creation({ excludeCredentials: [{ type: 'public-key', id }] }), { origin }))).toBe('InvalidStateError')
    expect(await failure(authenticator.create(creation({ pubKeyCredParams: [] }), { origin }))).toBe('NotSupportedError')
    expect(await failure(authenticator.create(creation(), { origin, dismissed: true }))).toBe('NotAllowedError')
    expect(await failure(authenticator.create(creation(), { origin, userVerified: false }))).toBe('NotAllowedError')
    expect(await failure(authenticator.get(request(), { origin: 'https://example.com.example.org' }))).toBe('SecurityError')
  })

  test('works inside of an Android app, where the origin is the certificate of the app', async () => {
    const { response } = await createAuthenticator().create(creation(), { origin: 'android:apk-key-hash:AAAA' })
    expect(JSON.parse(Buffer.from(response.clientDataJSON, 'base64url').toString())).toEqual({
      type: 'webauthn.create',
      challenge,
      origin: 'android:apk-key-hash:AAAA',
      androidPackageName: 'app.example',
    })
  })

  test.each<Algorithm>([-8, -7])('repeats a creation of algorithm %i when its randomness repeats', async (algorithm) => {
    const create = () => createAuthenticator({ algorithm, random: seeded() }).create(creation(), { origin })
    expect(await create()).toEqual(await create())
  })
})
