/**
 * An authenticator in software, with the client in front of it: what a phone, its credential manager and the operating system do together
 * (WebAuthn Level 3, sections 5.1.3, 5.1.4, 6.3). For stories, tests, the demo and the bench; it keeps its passkeys in memory.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, type JsonWebKey, type KeyObject } from 'node:crypto'
import { encodeCBOR, type CBORType } from '@levischuck/tiny-cbor'
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'

export type AuthenticatorSettings = {
  /** Default: Google Password Manager's. */
  aaguid?: string
  /** Default: a passkey that its provider synchronizes, and has. One that is bound to its device counts its signatures. */
  backupEligible?: boolean
  backedUp?: boolean
  transports?: string[]
  /** The one COSE algorithm that it knows: -8, -7 (default) or -257. */
  algorithm?: Algorithm
  /** With a seeded source, credential ids and the keys of -8 and -7 repeat. RSA keys never do, nor do signatures of -7. */
  random?: (bytes: number) => Uint8Array
}
export type Algorithm = -8 | -7 | -257

/** One ceremony: where it happens and what the person does. The defaults are those of a person who goes along. */
export type Ceremony = {
  /** `https://<rpId>` on iOS, `android:apk-key-hash:<base64url>` on Android. */
  origin: string
  userPresent?: boolean
  userVerified?: boolean
  dismissed?: boolean
  /** The passkey is on another device: a phone whose camera reads a QR code, or a security key. */
  crossDevice?: boolean
  /** 'self' signs the creation with the new key (section 8.2). */
  attestation?: 'none' | 'self'
  /** Put over the client data, to be a client that lies. */
  clientData?: Record<string, unknown>
  /** Signed in the place of the authenticator data, to be an authenticator that lies. */
  authenticatorData?: (data: Buffer) => Uint8Array
}

export type Authenticator = {
  /** @throws DOMException named as the platforms name it: NotAllowedError, InvalidStateError, NotSupportedError, SecurityError */
  create(options: PublicKeyCredentialCreationOptionsJSON, ceremony: Ceremony): Promise<RegistrationResponseJSON>
  /** @throws DOMException: NotAllowedError, SecurityError */
  get(options: PublicKeyCredentialRequestOptionsJSON, ceremony: Ceremony): Promise<AuthenticationResponseJSON>
}

type Passkey = { rpId: string; userId: string; id: string; key: KeyObject; counter: number }

export function createAuthenticator(settings: AuthenticatorSettings = {}): Authenticator {
  const { aaguid = 'ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4', backupEligible = true, backedUp = backupEligible } = settings
  const { algorithm = -7, random = randomBytes, transports = backupEligible ? ['internal', 'hybrid'] : ['usb', 'nfc'] } = settings
  const attachment = transports.includes('internal') ? 'platform' : 'cross-platform'
  const passkeys = new Map<string, Passkey>()

  const authenticatorData = (passkey: Passkey, ceremony: Ceremony, attested?: Uint8Array) => {
    const { userPresent = true, userVerified = true, authenticatorData: lie = (data) => data } = ceremony
    if (!backupEligible) passkey.counter += 1
    const flags = (userPresent ? 1 : 0) | (userVerified ? 4 : 0) | (backupEligible ? 8 : 0) | (backedUp ? 16 : 0) | (attested ? 64 : 0)
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(passkey.counter)
    return lie(Buffer.concat([sha256(passkey.rpId), Buffer.of(flags), counter, attested ?? Buffer.alloc(0)]))
  }

  /** What the answers to both ceremonies have in common (WebAuthn Level 3, 5.1). */
  const credential = ({ id }: Passkey, { crossDevice }: Ceremony) =>
    ({ type: 'public-key', id, rawId: id, authenticatorAttachment: crossDevice ? 'cross-platform' : attachment, clientExtensionResults: {} }) as const

  return {
    async create(options, ceremony) {
      const rpId = options.rp.id ?? ''
      checkCeremony(rpId, options.authenticatorSelection?.userVerification, ceremony)
      if (!options.pubKeyCredParams.some(({ alg }) => alg === algorithm)) throw failure('NotSupportedError', 'No offered algorithm is known here')
      const here = [...passkeys.values()].filter((passkey) => passkey.rpId === rpId).map(({ id }) => id)
      if (options.excludeCredentials?.some(({ id }) => here.includes(id))) throw failure('InvalidStateError', 'There is a passkey here already')

      // One passkey per account: a new one takes the place of the old one (section 6.3.2).
      const userId = options.user.id
      const passkey: Passkey = { rpId, userId, id: base64url(random(16)), key: newKey(algorithm, random), counter: 0 }
      passkeys.delete(`${rpId} ${userId}`)
      passkeys.set(`${rpId} ${userId}`, passkey)

      const id = Buffer.from(passkey.id, 'base64url')
      const data = authenticatorData(passkey, ceremony, Buffer.concat([
        Buffer.from(aaguid.replaceAll('-', ''), 'hex'),
        Buffer.of(id.length >> 8, id.length & 255),
        id,
        encodeCBOR(coseKey(passkey.key)),
      ]))
      const clientDataJSON = clientData('webauthn.create', options.challenge, ceremony)
      const self = ceremony.attestation === 'self'
      const statement = new Map<string, CBORType>(self ? [['alg', algorithm], ['sig', signature(passkey, data, clientDataJSON)]] : [])
      const attestation = new Map<string, CBORType>([['fmt', self ? 'packed' : 'none'], ['attStmt', statement], ['authData', data]])
      return {
        ...credential(passkey, ceremony),
        response: {
          clientDataJSON: base64url(clientDataJSON),
          attestationObject: base64url(encodeCBOR(attestation)),
          authenticatorData: base64url(data),
          publicKey: base64url(createPublicKey(passkey.key).export({ format: 'der', type: 'spki' })),
          publicKeyAlgorithm: algorithm,
          transports,
        },
      }
    },

    async get(options, ceremony) {
      const rpId = options.rpId ?? ''
      checkCeremony(rpId, options.userVerification, ceremony)
      const allowed = options.allowCredentials?.map(({ id }) => id) ?? []
      const fits = (passkey: Passkey) => passkey.rpId === rpId && (allowed.length === 0 || allowed.includes(passkey.id))
      // The newest one, where a real device would let the person choose.
      const passkey = [...passkeys.values()].findLast(fits)
      if (!passkey) throw failure('NotAllowedError', 'There is no passkey here')
      const data = authenticatorData(passkey, ceremony)
      const clientDataJSON = clientData('webauthn.get', options.challenge, ceremony)
      return {
        ...credential(passkey, ceremony),
        response: {
          clientDataJSON: base64url(clientDataJSON),
          authenticatorData: base64url(data),
          signature: base64url(signature(passkey, data, clientDataJSON)),
          userHandle: passkey.userId,
        },
      }
    },
  }
}

/** What the client refuses before the authenticator is asked. */
function checkCeremony(rpId: string, userVerification: string | undefined, { origin, dismissed, userVerified = true }: Ceremony) {
  // Apps are tied to the domain by its association files, which are not modelled here.
  const host = origin.startsWith('https://') ? new URL(origin).hostname : rpId
  if (host !== rpId && !host.endsWith(`.${rpId}`)) throw failure('SecurityError', 'The origin is not of this domain')
  if (dismissed || (userVerification === 'required' && !userVerified)) throw failure('NotAllowedError', 'The person did not go along')
}

function clientData(type: string, challenge: string, { origin, clientData }: Ceremony) {
  const platform = origin.startsWith('android:') ? { androidPackageName: 'app.example' } : { crossOrigin: false }
  return Buffer.from(JSON.stringify({ type, challenge, origin, ...platform, ...clientData }))
}

const failure = (name: string, message: string) => new DOMException(message, name)

// PKCS #8 up to the 32 secret bytes: P-256 (RFC 5915) and Ed25519 (RFC 8410).
const pkcs8 = {
  [-7]: '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420',
  [-8]: '302e020100300506032b657004220420',
}

function newKey(algorithm: Algorithm, random: (bytes: number) => Uint8Array): KeyObject {
  if (algorithm === -257) return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  return createPrivateKey({ key: Buffer.concat([Buffer.from(pkcs8[algorithm], 'hex'), random(32)]), format: 'der', type: 'pkcs8' })
}

/** RFC 9053, section 7; RFC 8230, section 4. */
function coseKey(key: KeyObject): Map<number, CBORType> {
  const jwk: JsonWebKey = createPublicKey(key).export({ format: 'jwk' })
  const bytes = (member: 'x' | 'y' | 'n' | 'e') => Buffer.from(jwk[member] ?? '', 'base64url')
  switch (jwk.kty) {
    case 'OKP': return new Map<number, CBORType>([[1, 1], [3, -8], [-1, 6], [-2, bytes('x')]])
    case 'EC': return new Map<number, CBORType>([[1, 2], [3, -7], [-1, 1], [-2, bytes('x')], [-3, bytes('y')]])
    default: return new Map<number, CBORType>([[1, 3], [3, -257], [-1, bytes('n')], [-2, bytes('e')]])
  }
}

// Ed25519 hashes by itself. ECDSA signatures are DER (section 6.5.5), which is node:crypto's default.
const signature = ({ key }: Passkey, data: Uint8Array, clientDataJSON: Uint8Array) =>
  sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', Buffer.concat([data, sha256(clientDataJSON)]), key)
const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest()
const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
