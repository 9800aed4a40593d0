import { verifyAuthenticationResponse, verifyRegistrationResponse, type RegistrationResponseJSON } from '@simplewebauthn/server'
import { describe, expect, test } from 'vitest'
import type { Ceremony } from '../stories/authenticator.ts'
import { challenge, create, register, rp, withAttestation, withData, withFlags, withKey } from './testing-passkey.ts'
import { passkeyFault, sentences, type PasskeyFault } from './passkey-errors.ts'

const expected = { expectedChallenge: challenge, expectedOrigin: [...rp.origins], expectedRPID: rp.rpId }
const thrown = (verified: Promise<unknown>): Promise<Error> =>
  verified.then(() => Promise.reject(new Error('the library took it')), (error: Error) => error)

/** What the library throws for this creation, demanding everything. */
const ofCreation = async (response: RegistrationResponseJSON | Promise<RegistrationResponseJSON>) =>
  thrown(verifyRegistrationResponse({ response: await response, supportedAlgorithmIDs: [-8, -7, -257], ...expected }))

/** And for an assertion. */
const ofRequest = async (ceremony: Partial<Ceremony>) => {
  const { passkey, signIn } = await register()
  const credential = { id: passkey.passkey, publicKey: Uint8Array.from(Buffer.from(passkey.publicKey, 'base64url')), counter: 0 }
  return thrown(verifyAuthenticationResponse({ response: await signIn(ceremony), credential, ...expected }))
}

const selfStatement = async (change: (statement: Map<string, unknown>) => void) =>
  withAttestation(await create({}, { attestation: 'self' }), (attestation) => change(attestation.get('attStmt') as Map<string, unknown>))

const provoked: Record<keyof typeof sentences, [PasskeyFault, () => Promise<Error>]> = {
  'Credential ID was not base64url-encoded': ['id_mismatch', async () => ofCreation({ ...(await create()), rawId: 'AAAA' })],
  'Unexpected RP ID hash': ['wrong_rp', async () => ofCreation(withData(await create(), (data) => data.fill(0, 0, 32)))],
  'Credential public key was missing numeric alg': ['malformed', async () => ofCreation(withKey(await create(), (key) => key.set(3, 'ES256')))],
  'Single-device credential indicated that it was backed up': [
    'bad_backup_flags',
    async () => ofCreation(withFlags(await create(), (flags) => flags & ~8)),
  ],
  'Unexpected registration response type': ['wrong_type', () => ofCreation(create({}, { clientData: { type: 'webauthn.get' } }))],
  'Unexpected registration response challenge': ['wrong_challenge', () => ofCreation(create({}, { clientData: { challenge: 'AAAA' } }))],
  'Unexpected registration response origin': ['wrong_origin', () => ofCreation(create({}, { clientData: { origin: 'https://example.org' } }))],
  'Unexpected value for TokenBinding': ['malformed', () => ofCreation(create({}, { clientData: { tokenBinding: 'present' } }))],
  'Unexpected tokenBinding.status': ['malformed', () => ofCreation(create({}, { clientData: { tokenBinding: { status: 'perhaps' } } }))],
  'User presence was required': ['user_not_present', () => ofCreation(create({}, { userPresent: false }))],
  'User verification was required': ['user_not_verified', () => ofCreation(create({}, { userVerified: false }))],
  'Unexpected public key alg': ['algorithm_not_offered', async () => ofCreation(withKey(await create(), (key) => key.set(3, -35)))],
  'None attestation had unexpected attestation statement': [
    'bad_attestation',
    async () => ofCreation(withAttestation(await create(), (attestation) => attestation.set('attStmt', new Map([['alg', -7]])))),
  ],
  'No attestation signature provided': ['bad_attestation', () => ofCreation(selfStatement((statement) => statement.delete('sig')))],
  'Attestation statement did not contain alg': ['bad_attestation', () => ofCreation(selfStatement((statement) => statement.delete('alg')))],
  'Attestation statement contained invalid alg': ['bad_attestation', () => ofCreation(selfStatement((statement) => statement.set('alg', -1)))],
  'Unexpected authentication response type': ['wrong_type', () => ofRequest({ clientData: { type: 'webauthn.create' } })],
  'Unexpected authentication response challenge': ['wrong_challenge', () => ofRequest({ clientData: { challenge: 'AAAA' } })],
  'Detected cross-origin authentication response': ['cross_origin', () => ofRequest({ clientData: { crossOrigin: true, topOrigin: 'https://example.org' } })],
  'Unexpected top origin': ['cross_origin', () => ofRequest({ clientData: { topOrigin: 'https://example.org' } })],
  'Unexpected authentication response origin': ['wrong_origin', () => ofRequest({ clientData: { origin: 'https://example.org' } })],
  'ClientDataJSON tokenBinding was not an object': ['malformed', () => ofRequest({ clientData: { tokenBinding: 'present' } })],
  'Unexpected tokenBinding status': ['malformed', () => ofRequest({ clientData: { tokenBinding: { status: 'perhaps' } } })],
  'User not present during authentication': ['user_not_present', () => ofRequest({ userPresent: false })],
  'User verification required': ['user_not_verified', () => ofRequest({ userVerified: false })],
}

describe("the library's sentences", () => {
  test.each(Object.entries(provoked))('%s', async (beginning, [fault, provoke]) => {
    const error = await provoke()
    expect(error.message.slice(0, beginning.length)).toBe(beginning)
    expect(passkeyFault(error)).toBe(fault)
  })

  test('what it never says is "rejected"', () => {
    expect(passkeyFault(new Error('Something new'))).toBe('rejected')
    expect(passkeyFault('User presence was required')).toBe('rejected')
    expect(passkeyFault(undefined)).toBe('rejected')
  })

  test('a client that writes one of them into its answer does not choose its fault', async () => {
    const quoting = { clientData: { origin: 'User presence was required' } }
    expect(passkeyFault(await ofCreation(create({}, quoting)))).toBe('wrong_origin')
    expect(passkeyFault(await ofRequest(quoting))).toBe('wrong_origin')
  })

  test('are the same in both ceremonies where the table says so', async () => {
    expect((await ofRequest({ authenticatorData: (data) => data.fill(0, 0, 32) })).message).toMatch(/^Unexpected RP ID hash/)
    const copied = await ofRequest({ authenticatorData: (data) => data.fill(data.readUInt8(32) & ~8, 32, 33) })
    expect(copied.message).toMatch(/^Single-device credential indicated that it was backed up/)
  })
})
