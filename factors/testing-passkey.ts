/** Answers for the tests of both ceremonies: real ones, and real ones with one part decoded, changed and encoded again. */
import { decodeCBOR, encodeCBOR, type CBORType } from '@levischuck/tiny-cbor'
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import { createAuthenticator, type AuthenticatorSettings, type Ceremony } from '../stories/authenticator.ts'
import { requestOptions, type StoredPasskey } from './passkey-request.ts'
import { creationOptions, verifyCreation, type CreationMode, type RelyingParty } from './passkey.ts'

export const ios = 'https://example.com'
export const android = 'android:apk-key-hash:pNiP5iKyQ8JwgGOaKA1zGPUPJIS-0H1xKCQcfIoGLck'
export const rp: RelyingParty = { rpId: 'example.com', rpName: 'Example', origins: [ios, android] }
export const user = { account: '3f0e6c1a-8f5b-4c55-9d3a-0a1b2c3d4e5f', name: 'ada@example.com', displayName: 'Ada' }
export const challenge = Buffer.alloc(32, 7).toString('base64url')
export const optionsFor = (mode: CreationMode) => creationOptions({ rp, user, challenge, excludes: [], mode })

/** The options leave it to the person to be there, so that a test can let the person be away. */
export const create = (settings: AuthenticatorSettings = {}, ceremony: Partial<Ceremony> = {}) =>
  createAuthenticator(settings).create(optionsFor('conditional'), { origin: ios, ...ceremony })

/** A passkey as it is stored, and its answers to requests that leave it to the person to be there. */
export async function register(settings: AuthenticatorSettings = {}) {
  const authenticator = createAuthenticator(settings)
  const created = await verifyCreation({ rp, challenge, mode: 'manual', response: await authenticator.create(optionsFor('manual'), { origin: ios }) })
  if (created.verdict === 'bad') throw new Error(created.reason)
  const { credentialId, publicKey, counter, backupEligible, backedUp, transports } = created.passkey
  const passkey: StoredPasskey = { passkey: credentialId, publicKey, counter, backupEligible, backedUp, transports }
  const options = { ...requestOptions({ rp, challenge, allow: [] }), userVerification: 'preferred' } as const
  return { passkey, signIn: (ceremony: Partial<Ceremony> = {}) => authenticator.get(options, { origin: ios, ...ceremony }) }
}

/** One of the encoded parts of an assertion. The signature stays what it was. */
export const withPart = (
  assertion: AuthenticationResponseJSON,
  part: 'clientDataJSON' | 'authenticatorData' | 'signature' | 'userHandle',
  change: (bytes: Buffer) => Uint8Array,
): AuthenticationResponseJSON => ({
  ...assertion,
  response: { ...assertion.response, [part]: base64url(change(Buffer.from(assertion.response[part] ?? '', 'base64url'))) },
})

export function withAttestation(creation: RegistrationResponseJSON, change: (attestation: Map<string, CBORType>) => void): RegistrationResponseJSON {
  const attestation = decodeCBOR(bytes(creation.response.attestationObject)) as Map<string, CBORType>
  change(attestation)
  return { ...creation, response: { ...creation.response, attestationObject: base64url(encodeCBOR(attestation)) } }
}

export const withData = (creation: RegistrationResponseJSON, change: (data: Buffer) => Uint8Array): RegistrationResponseJSON =>
  withAttestation(creation, (attestation) => attestation.set('authData', change(dataOf(attestation))))

/** Where the key begins in the authenticator data: behind the credential id (WebAuthn Level 3, section 6.5.1). */
const keyAt = (data: Buffer) => 55 + data.readUInt16BE(53)

export const withKey = (creation: RegistrationResponseJSON, change: (key: Map<number, CBORType>) => void): RegistrationResponseJSON =>
  withData(creation, (data) => {
    const key = decodeCBOR(Uint8Array.from(data.subarray(keyAt(data)))) as Map<number, CBORType>
    change(key)
    return Buffer.concat([data.subarray(0, keyAt(data)), encodeCBOR(key)])
  })

export function withId(creation: RegistrationResponseJSON, id: Buffer): RegistrationResponseJSON {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(id.length)
  const changed = withData(creation, (data) => Buffer.concat([data.subarray(0, 53), length, id, data.subarray(keyAt(data))]))
  return { ...changed, id: base64url(id), rawId: base64url(id) }
}

export const withFlags = (creation: RegistrationResponseJSON, change: (flags: number) => number) =>
  withData(creation, (data) => data.fill(change(data.readUInt8(32)), 32, 33))

export const withClientData = (creation: RegistrationResponseJSON, change: (clientData: Buffer) => Uint8Array): RegistrationResponseJSON => ({
  ...creation,
  response: { ...creation.response, clientDataJSON: base64url(change(Buffer.from(creation.response.clientDataJSON, 'base64url'))) },
})

/** The COSE key as the authenticator wrote it, base64url. */
export function publicKeyOf({ response }: RegistrationResponseJSON): string {
  const data = Buffer.from(response.authenticatorData ?? '', 'base64url')
  return base64url(data.subarray(keyAt(data)))
}

const dataOf = (attestation: Map<string, CBORType>) => Buffer.from(attestation.get('authData') as Uint8Array)
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'base64url'))
const base64url = (data: Uint8Array) => Buffer.from(data).toString('base64url')
