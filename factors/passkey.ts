import { verifyRegistrationResponse } from '@simplewebauthn/server'
import { decodeAttestationObject, decodeCredentialPublicKey, isoBase64URL, isoCBOR, parseAuthenticatorData } from '@simplewebauthn/server/helpers'
import { z } from 'zod'
import type { OfferMode } from '../domain/session/vocabulary.ts'
import { isUsable, type CoseKey } from './cose-key.ts'
import { answer, base64url, isFramed, readClientData } from './passkey-answer.ts'
import { passkeyFault, retryable, type PasskeyFault } from './passkey-errors.ts'
import { isEcdsaSignature } from './passkey-signature.ts'
import { userHandleOf } from './user-handle.ts'

/** Who asks for a passkey. The origins come from configuration: `https://<rpId>` for iOS, `android:apk-key-hash:<base64url>` for Android. */
export type RelyingParty = { rpId: string; rpName: string; origins: readonly string[] }
/** A conditional creation shows no prompt, so nobody has to be present or verified. */
export type CreationMode = OfferMode

export type NewPasskey = {
  /** base64url, from the attested data; at most 1023 bytes. */
  credentialId: string
  /** The COSE key (RFC 9052), base64url. */
  publicKey: string
  /** -8 (Ed25519), -7 (ES256) or -257 (RS256). */
  algorithm: number
  /** 128 bits written like a UUID. Not every provider's has the version and variant bits of one. */
  aaguid: string
  counter: number
  transports: string[]
  backupEligible: boolean
  backedUp: boolean
  /** The person was verified when it was made. */
  uvInitialized: boolean
  attachment?: Attachment
}

/** PublicKeyCredentialCreationOptionsJSON (WebAuthn Level 3, section 5.1). */
export type CreationOptions = {
  rp: { id: string; name: string }
  /** `id` is the account's user handle. */
  user: { id: string; name: string; displayName: string }
  challenge: string
  pubKeyCredParams: { type: 'public-key'; alg: number }[]
  /** Milliseconds. */
  timeout: number
  excludeCredentials: { type: 'public-key'; id: string; transports: string[] }[]
  authenticatorSelection: { residentKey: 'required'; requireResidentKey: true; userVerification: 'required' | 'preferred' }
  attestation: 'none'
}

/** `challenge` is the one that was judged. `retryable`: the same device may try again with fresh options. */
export type CreationVerdict =
  | { verdict: 'good'; challenge: string; passkey: NewPasskey }
  | { verdict: 'bad'; challenge: string; reason: PasskeyFault; retryable: boolean }

const algorithms = [-8, -7, -257]
const isOffered = (algorithm: unknown) => algorithms.some((offered) => offered === algorithm)
const knownTransports = new Set(['usb', 'nfc', 'ble', 'hybrid', 'internal', 'smart-card', 'cable'])
const attachments = ['platform', 'cross-platform'] as const
type Attachment = (typeof attachments)[number]

// The options and the verification both ask here, so that they cannot disagree.
const demandsPerson = (mode: CreationMode) => mode !== 'conditional'

/** Pure: the same arguments give the same options. `account` is a UUID, `challenge` base64url of 32 random bytes. */
export function creationOptions({ rp, user, challenge, excludes, mode }: {
  rp: RelyingParty
  user: { account: string; name: string; displayName: string }
  challenge: string
  excludes: readonly { id: string; transports: readonly string[] }[]
  mode: CreationMode
}): CreationOptions {
  return {
    rp: { id: rp.rpId, name: rp.rpName },
    user: { id: userHandleOf(user.account), name: user.name, displayName: user.displayName },
    challenge,
    pubKeyCredParams: algorithms.map((alg) => ({ type: 'public-key', alg })),
    timeout: 300_000,
    excludeCredentials: excludes.map(({ id, transports }) => ({ type: 'public-key', id, transports: [...transports] })),
    authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: demandsPerson(mode) ? 'required' : 'preferred' },
    attestation: 'none',
  }
}

/**
 * Judges the device's answer to `creationOptions`: WebAuthn Level 3, section 7.1, whose steps are numbered here. Never throws.
 * Step 26, that nobody has this credential yet, is the account's.
 */
export async function verifyCreation({ rp, challenge, mode, response }: {
  rp: RelyingParty
  challenge: string
  mode: CreationMode
  response: unknown
}): Promise<CreationVerdict> {
  const bad = (reason: PasskeyFault): CreationVerdict => ({ verdict: 'bad', challenge, reason, retryable: retryable[reason] })

  // 3 to 6, 13: it is the answer to a creation, and every part of it can be decoded.
  const creation = readCreation(response)
  if (!creation) return bad('malformed')
  // Section 5.8.5. Without a statement nothing has used the key yet: one that verifies nothing would be found out at the next login only.
  const algorithm = creation.key.get(3)
  if (isOffered(algorithm) && !isUsable(creation.key)) return bad('unusable_key')
  // Section 8.2, of self attestation.
  if (creation.signature && algorithm === -7 && !isEcdsaSignature(creation.signature)) return bad('bad_attestation')

  // 7 to 9, 14 to 17, 20 to 24: type, challenge, origin, RP ID, flags, algorithm and statement are the library's.
  const result = await verifyRegistrationResponse({
    response: creation.credential,
    expectedChallenge: challenge,
    expectedOrigin: [...rp.origins],
    expectedRPID: rp.rpId,
    requireUserPresence: demandsPerson(mode),
    requireUserVerification: demandsPerson(mode),
    supportedAlgorithmIDs: algorithms,
  }).catch(passkeyFault)
  if (typeof result === 'string') return bad(result)
  if (!result.verified) return bad('bad_attestation')
  const { aaguid, credential: attested, userVerified, credentialDeviceType, credentialBackedUp } = result.registrationInfo

  // 10, 11.
  if (isFramed(creation.clientData)) return bad('cross_origin')
  // 25.
  if (Buffer.byteLength(attested.id, 'base64url') > 1023) return bad('id_too_long')
  // 27 lets us store the answer's id, which nothing vouches for. We store the attested one, and the answer's must be the same.
  if (creation.credential.id !== attested.id) return bad('id_mismatch')

  const attachment = attachments.find((known) => known === creation.attachment)
  return {
    verdict: 'good',
    challenge,
    passkey: {
      credentialId: attested.id,
      publicKey: isoBase64URL.fromBuffer(attested.publicKey),
      algorithm: algorithm as number,
      aaguid,
      counter: attested.counter,
      transports: creation.transports.filter((transport) => knownTransports.has(transport)),
      backupEligible: credentialDeviceType === 'multiDevice',
      backedUp: credentialBackedUp,
      uvInitialized: userVerified,
      ...(attachment && { attachment }),
    },
  }
}

// RegistrationResponseJSON (section 5.1), as far as it is read here.
const Creation = z.object({
  ...answer,
  response: z.object({ clientDataJSON: base64url, attestationObject: base64url, transports: z.array(z.string()).nullish() }),
})

/** What the library is to see, and what it leaves to us; undefined when any part cannot be decoded. */
function readCreation(unread: unknown) {
  try {
    const { authenticatorAttachment: attachment, response: { transports, ...response }, ...ids } = Creation.parse(unread)
    const clientData = readClientData(response.clientDataJSON)
    const attestation = decodeAttestationObject(isoBase64URL.toBuffer(response.attestationObject))
    const [format, statement, data] = [attestation.get('fmt'), attestation.get('attStmt'), attestation.get('authData')]
    const { credentialPublicKey } = parseAuthenticatorData(data)
    const key: unknown = credentialPublicKey && decodeCredentialPublicKey(credentialPublicKey)
    if (typeof format !== 'string' || !(statement instanceof Map) || !(key instanceof Map)) return undefined
    // We asked for no attestation. A client then passes on self attestation and blanks every other statement (section 5.1.3); not all do
    // (w3c/webauthn#1485), so it is done here. A statement proves nothing to a server that accepts its absence, and to verify one with
    // certificates the library may fetch revocation lists from addresses that these certificates name.
    const isSelf = format === 'packed' && !statement.has('x5c')
    if (format !== 'none' && !isSelf) response.attestationObject = withoutStatement(data)
    const signature = isSelf ? statement.get('sig') : undefined
    const credential = { ...ids, response, clientExtensionResults: {} }
    return { credential, clientData, key: key as CoseKey, signature, transports: [...new Set(transports)], attachment }
  } catch {
    return undefined
  }
}

function withoutStatement(data: Uint8Array<ArrayBuffer>): string {
  const none = new Map<string, string | Map<string, string> | typeof data>([['fmt', 'none']])
  return isoBase64URL.fromBuffer(isoCBOR.encode(none.set('attStmt', new Map<string, string>()).set('authData', data)))
}
