import { verifyRegistrationResponse, type RegistrationResponseJSON } from '@simplewebauthn/server'
import { describe, expect, test } from 'vitest'
import { challenge, create, rp, withAttestation, withData, withFlags, withKey } from './testing-passkey.ts'
import { passkeyFault, sentences, type PasskeyFault } from './passkey-errors.ts'

/** What the library throws for this creation, demanding everything. */
const complaint = (response: RegistrationResponseJSON): Promise<Error> =>
  verifyRegistrationResponse({
    response,
    expectedChallenge: challenge,
    expectedOrigin: [...rp.origins],
    expectedRPID: rp.rpId,
    supportedAlgorithmIDs: [-8, -7, -257],
  }).then(() => Promise.reject(new Error('the library took it')), (error: Error) => error)

const selfStatement = async (change: (statement: Map<string, unknown>) => void) =>
  withAttestation(await create({}, { attestation: 'self' }), (attestation) => change(attestation.get('attStmt') as Map<string, unknown>))

const provoked: Record<keyof typeof sentences, [PasskeyFault, () => Promise<RegistrationResponseJSON>]> = {
  'Credential ID was not base64url-encoded': ['id_mismatch', async () => ({ ...(await create()), rawId: 'AAAA' })],
  'Unexpected registration response type': ['wrong_type', () => create({}, { clientData: { type: 'webauthn.get' } })],
  'Unexpected registration response challenge': ['wrong_challenge', () => create({}, { clientData: { challenge: 'AAAA' } })],
  'Unexpected registration response origin': ['wrong_origin', () => create({}, { clientData: { origin: 'https://example.org' } })],
  'Unexpected value for TokenBinding': ['malformed', () => create({}, { clientData: { tokenBinding: 'present' } })],
  'Unexpected tokenBinding.status': ['malformed', () => create({}, { clientData: { tokenBinding: { status: 'perhaps' } } })],
  'Unexpected RP ID hash': ['wrong_rp', async () => withData(await create(), (data) => data.fill(0, 0, 32))],
  'User presence was required': ['user_not_present', () => create({}, { userPresent: false })],
  'User verification was required': ['user_not_verified', () => create({}, { userVerified: false })],
  'Credential public key was missing numeric alg': ['malformed', async () => withKey(await create(), (key) => key.set(3, 'ES256'))],
  'Unexpected public key alg': ['algorithm_not_offered', async () => withKey(await create(), (key) => key.set(3, -35))],
  'None attestation had unexpected attestation statement': [
    'bad_attestation',
    async () => withAttestation(await create(), (attestation) => attestation.set('attStmt', new Map([['alg', -7]]))),
  ],
  'No attestation signature provided': ['bad_attestation', () => selfStatement((statement) => statement.delete('sig'))],
  'Attestation statement did not contain alg': ['bad_attestation', () => selfStatement((statement) => statement.delete('alg'))],
  'Attestation statement contained invalid alg': ['bad_attestation', () => selfStatement((statement) => statement.set('alg', -1))],
  'Single-device credential indicated that it was backed up': ['bad_backup_flags', async () => withFlags(await create(), (flags) => flags & ~8)],
}

describe("the library's sentences", () => {
  test.each(Object.entries(provoked))('%s', async (beginning, [fault, creation]) => {
    const error = await complaint(await creation())
    expect(error.message.slice(0, beginning.length)).toBe(beginning)
    expect(passkeyFault(error)).toBe(fault)
  })

  test('what it never says is "rejected"', () => {
    expect(passkeyFault(new Error('Something new'))).toBe('rejected')
    expect(passkeyFault('User presence was required')).toBe('rejected')
    expect(passkeyFault(undefined)).toBe('rejected')
  })

  test('a client that writes one of them into its answer does not choose its fault', async () => {
    const quoting = await create({}, { clientData: { origin: 'User presence was required' } })
    expect(passkeyFault(await complaint(quoting))).toBe('wrong_origin')
  })
})
