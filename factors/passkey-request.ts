import { verifyAuthenticationResponse } from '@simplewebauthn/server'
import { decodeCredentialPublicKey, isoBase64URL, parseAuthenticatorData } from '@simplewebauthn/server/helpers'
import { z } from 'zod'
import { isUsable, type CoseKey } from './cose-key.ts'
import { answer, base64url, isFramed, readClientData } from './passkey-answer.ts'
import { passkeyFault, retryable, type PasskeyFault } from './passkey-errors.ts'
import { isEcdsaSignature } from './passkey-signature.ts'
import type { RelyingParty } from './passkey.ts'
import { accountOf } from './user-handle.ts'

/** As `NewPasskey` has it, with what its uses changed since. `passkey` is the credential's id. */
export type StoredPasskey = {
  passkey: string
  publicKey: string
  counter: number
  backupEligible: boolean
  backedUp: boolean
  transports: readonly string[]
}

/**
 * `challenge` is the one that was judged. `counter` and `backedUp` are to be stored. `crossDevice`: another device than the one that asked
 * signed. `retryable`: the same device may try again with fresh options.
 */
export type RequestVerdict =
  | { verdict: 'good'; challenge: string; passkey: string; counter: number; backedUp: boolean; userVerified: boolean; crossDevice: boolean }
  | { verdict: 'bad'; challenge: string; reason: PasskeyFault; retryable: boolean }

/** PublicKeyCredentialRequestOptionsJSON (WebAuthn Level 3, section 5.1). */
export type RequestOptions = {
  challenge: string
  /** Milliseconds. */
  timeout: number
  rpId: string
  allowCredentials: { type: 'public-key'; id: string; transports: string[] }[]
  userVerification: 'required'
}

/** Pure: the same arguments give the same options. An empty `allow` lets any passkey of the domain answer. */
export function requestOptions({ rp, challenge, allow }: {
  rp: { rpId: string }
  challenge: string
  allow: readonly { id: string; transports: readonly string[] }[]
}): RequestOptions {
  return {
    challenge,
    timeout: 300_000,
    rpId: rp.rpId,
    allowCredentials: allow.map(({ id, transports }) => ({ type: 'public-key', id, transports: [...transports] })),
    userVerification: 'required',
  }
}

/**
 * What an answer claims, before anything of it is verified: the credential's id, and the account (a UUID) that `userHandle` names; without one,
 * `account` is undefined. Undefined as a whole: the answer cannot be decoded, or its user handle is none of ours, which have 16 bytes.
 */
export function readAssertion(response: unknown): { credentialId: string; account: string | undefined } | undefined {
  const assertion = parse(response)
  if (!assertion) return undefined
  const { id: credentialId, response: { userHandle } } = assertion
  if (!userHandle) return { credentialId, account: undefined }
  const account = accountOf(userHandle)
  return account === undefined ? undefined : { credentialId, account }
}

/**
 * Judges the device's answer to `requestOptions`: WebAuthn Level 3, section 7.2, whose steps are numbered here. Never throws.
 * Whose passkey it is (steps 5, 6) is decided before, by whoever looked it up.
 */
export async function verifyRequest({ rp, challenge, passkey, response }: {
  rp: RelyingParty
  challenge: string
  passkey: StoredPasskey
  response: unknown
}): Promise<RequestVerdict> {
  const bad = (reason: PasskeyFault): RequestVerdict => ({ verdict: 'bad', challenge, reason, retryable: retryable[reason] })

  // 3, 7 to 9: it is the answer to a request, and every part of it can be decoded.
  const assertion = decode(response)
  if (!assertion) return bad('malformed')
  const { credential, clientData, attachment } = assertion
  // 6: nobody may look up one passkey and verify with another.
  if (credential.id !== passkey.passkey) return bad('id_mismatch')
  // The library would throw its parsers' sentences at a key or a signature that it cannot read, and reads some that are not as they must be.
  const publicKey = isoBase64URL.toBuffer(passkey.publicKey)
  const key = decodeKey(publicKey)
  if (!key || !isUsable(key)) return bad('unusable_key')
  if (key.get(3) === -7 && !isEcdsaSignature(isoBase64URL.toBuffer(credential.response.signature))) return bad('bad_signature')

  // 10 to 12, 15 to 18, 20, 21: type, challenge, origin, RP ID, flags and signature are the library's.
  const result = await verifyAuthenticationResponse({
    response: credential,
    expectedChallenge: challenge,
    expectedOrigin: [...rp.origins],
    expectedRPID: rp.rpId,
    requireUserVerification: true,
    // It judges the counter before the signature, so it sees none.
    credential: { id: passkey.passkey, publicKey, counter: 0 },
  }).catch(passkeyFault)
  if (typeof result === 'string') return bad(result)
  const { newCounter: counter, userVerified, credentialDeviceType, credentialBackedUp: backedUp } = result.authenticationInfo

  // 13, 14.
  if (isFramed(clientData)) return bad('cross_origin')
  // 19. Whether a passkey may be copied never changes; whether it is does.
  if ((credentialDeviceType === 'multiDevice') !== passkey.backupEligible) return bad('backup_eligibility_changed')
  // 21.
  if (!result.verified) return bad('bad_signature')
  // 22, after the signature: without one, anybody could accuse a passkey of being a copy.
  if ((counter > 0 || passkey.counter > 0) && counter <= passkey.counter) return bad('counter_not_increased')

  return { verdict: 'good', challenge, passkey: passkey.passkey, counter, backedUp, userVerified, crossDevice: attachment === 'cross-platform' }
}

// AuthenticationResponseJSON (section 5.1), as far as it is read here.
const Assertion = z.object({
  ...answer,
  response: z.object({ clientDataJSON: base64url, authenticatorData: base64url, signature: base64url, userHandle: z.base64url().nullish() }),
})

/** Whoever sends an object whose members throw when they are read is no app of ours. */
function parse(response: unknown) {
  try {
    return Assertion.safeParse(response).data
  } catch {
    return undefined
  }
}

/** What the library is to see, and what it leaves to us; undefined when any part cannot be decoded. */
function decode(response: unknown) {
  const assertion = parse(response)
  if (!assertion) return undefined
  const { authenticatorAttachment: attachment, response: { userHandle: _, ...signed }, ...ids } = assertion
  try {
    const clientData = readClientData(signed.clientDataJSON)
    parseAuthenticatorData(isoBase64URL.toBuffer(signed.authenticatorData))
    return { credential: { ...ids, response: signed, clientExtensionResults: {} }, clientData, attachment }
  } catch {
    return undefined
  }
}

function decodeKey(publicKey: Uint8Array<ArrayBuffer>): CoseKey | undefined {
  try {
    const key: unknown = decodeCredentialPublicKey(publicKey)
    return key instanceof Map ? key : undefined
  } catch {
    return undefined
  }
}
