/**
 * Ceremonies that others recorded: the test vectors of WebAuthn Level 3 (section 16) and what phones and security keys answered to other servers.
 * They go the way of a live one. Only that server's domain, origin and challenges are put in the place of ours.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server'
import { isoBase64URL } from '@simplewebauthn/server/helpers'
import { describe, expect, test } from 'vitest'
import type { PasskeyFault } from '../factors/passkey-errors.ts'
import { readAssertion, verifyRequest, type StoredPasskey } from '../factors/passkey-request.ts'
import { verifyCreation, type CreationMode } from '../factors/passkey.ts'

/** Everything base64url, as the device sent it. */
type Recorded = {
  name: string
  source: string
  rpId: string
  origin: string
  credentialId: string
  authenticatorAttachment?: 'platform' | null
  creation: { challenge: string; clientDataJSON: string; attestationObject: string }
  /** Not everything that was made is known to have been used. */
  request?: { challenge: string; clientDataJSON: string; authenticatorData: string; signature: string; userHandle?: string }
}

/**
 * What our options lead to, for the creation and for the login. Where a creation is refused, it is said what it was made for instead: a quiet
 * creation of ours, which asks for nobody to be verified, or other rules, by which the library takes it.
 */
type Row = { creation: 'good' | [PasskeyFault, 'quiet' | 'other rules']; request?: 'good' | PasskeyFault }

const outcomes: Record<string, Row> = {
  'none-es256': { creation: ['user_not_verified', 'quiet'], request: 'user_not_verified' },
  'packed-self-es256': { creation: 'good', request: 'user_not_verified' },
  'none-es256-crossOrigin': { creation: ['cross_origin', 'other rules'], request: 'cross_origin' },
  'none-es256-topOrigin': { creation: ['user_not_verified', 'other rules'], request: 'cross_origin' },
  'none-es256-long-credential-id': { creation: ['user_not_verified', 'quiet'], request: 'good' },
  'packed-es256': { creation: 'good', request: 'good' },
  'packed-es384': { creation: ['user_not_verified', 'other rules'], request: 'unusable_key' },
  'packed-es512': { creation: ['algorithm_not_offered', 'other rules'], request: 'unusable_key' },
  'packed-rs256': { creation: 'good', request: 'user_not_verified' },
  'packed-eddsa': { creation: ['user_not_verified', 'quiet'], request: 'user_not_verified' },
  'packed-ed448': { creation: ['user_not_verified', 'other rules'], request: 'unusable_key' },
  'tpm-es256': { creation: 'good', request: 'good' },
  'android-key-es256': { creation: 'good', request: 'user_not_verified' },
  'apple-es256': { creation: ['user_not_verified', 'quiet'], request: 'user_not_verified' },
  'fido-u2f-es256': { creation: ['user_not_verified', 'quiet'], request: 'user_not_verified' },
  'Android, Credential Manager': { creation: 'good', request: 'good' },
  'Android, a creation alone': { creation: 'good' },
  'iOS, a client that sends null for what is absent': { creation: 'good', request: 'good' },
  'iOS, with attestation': { creation: 'good', request: 'good' },
  'a security key without a PIN': { creation: ['user_not_verified', 'quiet'], request: 'user_not_verified' },
  'a security key with Ed25519 and an extension': { creation: 'good', request: 'good' },
}
/** The library knows no Ed448, so that nothing here can tell whether its signature is right. */
const unknownToLibrary = 'packed-ed448'

const folder = new URL('recorded/', import.meta.url)
const recorded = readdirSync(folder).flatMap((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Recorded[])
const logins = recorded.filter((ceremony): ceremony is Required<Recorded> => ceremony.request !== undefined)

const credential = <Response>({ credentialId: id }: Recorded, response: Response) =>
  ({ type: 'public-key', id, rawId: id, response, clientExtensionResults: {} }) as const
/** Some leave `authenticatorAttachment` out, some send null. */
const answer = <Response>(ceremony: Recorded, response: Response) => {
  const { authenticatorAttachment } = ceremony
  return { ...credential(ceremony, response), ...(authenticatorAttachment !== undefined && { authenticatorAttachment }) }
}
const rpOf = ({ rpId, origin }: Recorded) => ({ rpId, rpName: 'Recorded', origins: [origin] })
const create = (ceremony: Recorded, mode: CreationMode) =>
  verifyCreation({ rp: rpOf(ceremony), challenge: ceremony.creation.challenge, mode, response: answer(ceremony, ceremony.creation) })

/** The rules of whoever asked for what we refuse: frames and other algorithms are welcome, and nobody has to be verified. */
const othersRules = ({ rpId, origin }: Recorded, challenge: string) => ({
  expectedChallenge: challenge,
  expectedOrigin: origin,
  expectedTopOrigin: 'https://example.com',
  expectedRPID: rpId,
  requireUserVerification: false,
})

async function createElsewhere(ceremony: Recorded): Promise<StoredPasskey> {
  const rules = { ...othersRules(ceremony, ceremony.creation.challenge), supportedAlgorithmIDs: [-7, -35, -36, -53] }
  const { registrationInfo } = await verifyRegistrationResponse({ ...rules, response: credential(ceremony, ceremony.creation) })
  if (!registrationInfo) throw new Error('not verified')
  const { credential: { id: passkey, publicKey, counter }, credentialDeviceType, credentialBackedUp: backedUp } = registrationInfo
  const backupEligible = credentialDeviceType === 'multiDevice'
  return { passkey, publicKey: isoBase64URL.fromBuffer(publicKey), counter, backupEligible, backedUp, transports: [] }
}

/** The passkey as its creation left it. */
async function stored(ceremony: Recorded): Promise<StoredPasskey> {
  const verdict = await create(ceremony, 'conditional')
  return verdict.verdict === 'good' ? { ...verdict.passkey, passkey: verdict.passkey.credentialId } : createElsewhere(ceremony)
}

type Changes = Partial<{ rpId: string; origins: string[]; challenge: string; counter: number; signature: string }>
async function login(ceremony: Required<Recorded>, changes: Changes = {}) {
  const { challenge = ceremony.request.challenge, counter, signature = ceremony.request.signature, ...rp } = changes
  const passkey = await stored(ceremony)
  return verifyRequest({
    rp: { ...rpOf(ceremony), ...rp },
    challenge,
    passkey: { ...passkey, counter: counter ?? passkey.counter },
    response: answer(ceremony, { ...ceremony.request, signature }),
  })
}

test('every recorded ceremony has its row', () => {
  expect(recorded.map(({ name }) => name).toSorted()).toEqual(Object.keys(outcomes).toSorted())
  expect(logins.map(({ name }) => name).toSorted()).toEqual(Object.keys(outcomes).filter((name) => outcomes[name]?.request).toSorted())
})

describe('a recorded creation', () => {
  test.each(recorded)('$name', async (ceremony) => {
    const outcome = outcomes[ceremony.name]?.creation
    const [reason, madeFor] = outcome === 'good' || !outcome ? [undefined, 'us'] : outcome
    const expected = reason ? { verdict: 'bad', reason } : { verdict: 'good', passkey: { uvInitialized: true } }
    expect(await create(ceremony, 'manual')).toMatchObject(expected)

    const quiet = await create(ceremony, 'conditional')
    expect(quiet.verdict).toBe(madeFor === 'other rules' ? 'bad' : 'good')
    if (madeFor === 'quiet') expect(quiet).toMatchObject({ passkey: { uvInitialized: false } })
    expect(await stored(ceremony)).toMatchObject({ passkey: ceremony.credentialId })
  })
})

describe('a recorded login', () => {
  test.each(logins)('$name', async (ceremony) => {
    const outcome = outcomes[ceremony.name]?.request
    expect(await login(ceremony)).toMatchObject(outcome === 'good' ? { verdict: 'good', userVerified: true } : { verdict: 'bad', reason: outcome })
    if (outcome === 'good' || ceremony.name === unknownToLibrary) return

    const { passkey: id, publicKey, counter } = await stored(ceremony)
    const elsewhere = await verifyAuthenticationResponse({
      ...othersRules(ceremony, ceremony.request.challenge),
      response: credential(ceremony, ceremony.request),
      credential: { id, publicKey: isoBase64URL.toBuffer(publicKey), counter },
    })
    expect(elsewhere).toMatchObject({ verified: true })
  })

  const accepted = logins.filter(({ name }) => outcomes[name]?.request === 'good')
  test.each(accepted)('that was accepted is not by another app, domain or challenge: $name', async (ceremony) => {
    expect(await login(ceremony, { origins: [`${ceremony.origin}0`] })).toMatchObject({ reason: 'wrong_origin' })
    expect(await login(ceremony, { rpId: `login.${ceremony.rpId}` })).toMatchObject({ reason: 'wrong_rp' })
    expect(await login(ceremony, { challenge: Buffer.alloc(32).toString('base64url') })).toMatchObject({ reason: 'wrong_challenge' })
  })

  test.each(accepted)('that was accepted is not with any byte of its signature changed: $name', async (ceremony) => {
    const signature = Buffer.from(ceremony.request.signature, 'base64url')
    for (let turn = 0; turn < signature.length * 2; turn++) {
      const changed = Buffer.from(signature)
      changed.writeUInt8(changed.readUInt8(turn >> 1) ^ (turn % 2 ? 1 : 128), turn >> 1)
      expect(await login(ceremony, { signature: changed.toString('base64url') })).toMatchObject({ reason: 'bad_signature' })
    }
  })

  test('counts up where the device counts, and is refused when it does not', async () => {
    const counting = accepted.filter(({ request }) => Buffer.from(request.authenticatorData, 'base64url').readUInt32BE(33) > 0)
    expect(counting.map(({ name }) => name)).toEqual(['a security key with Ed25519 and an extension'])
    for (const ceremony of counting) {
      const first = await login(ceremony)
      const counter = first.verdict === 'good' ? first.counter : 0
      expect(counter).toBeGreaterThan((await stored(ceremony)).counter)
      expect(await login(ceremony, { counter })).toMatchObject({ reason: 'counter_not_increased' })
    }
  })

  test('names no account of ours, whose handles have 16 bytes', () => {
    const named = logins.filter(({ request }) => request.userHandle)
    expect(named.length).toBeGreaterThan(0)
    for (const ceremony of logins) {
      const claimed = readAssertion(answer(ceremony, ceremony.request))
      expect(claimed).toEqual(named.includes(ceremony) ? undefined : { credentialId: ceremony.credentialId, account: undefined })
    }
  })
})
