/** What apps are answered. An app follows `next`; unknown actions, reasons and fields are to be tolerated. */
import { z } from 'zod'
import { Action, AppendOutcome, Channel, EndReason, EntryPoint, Factor, OfferMode, PinKeeper, Platform, Proof, SessionStatus, SignedInAction, Step } from '../domain/session/vocabulary.ts'

export const NextAction = z.object({
  action: z.union([Action, SignedInAction, z.literal('recover')]).describe('`recover`: open `href`, where the company lets people recover their password.'),
  method: z.enum(['GET', 'POST', 'DELETE']),
  href: z.string().describe("Below the engine's address, but for `recover`, which is a whole one."),
  needs: z.array(z.string()).describe('The fields that the body must have.'),
})

export const Tokens = z.object({
  tokenType: z.literal('Bearer'),
  accessToken: z.string().describe('JWT (RFC 9068), ES256.'),
  expiresIn: z.int().describe('Seconds.'),
  refreshToken: z.string(),
  refreshExpiresAt: z.iso.datetime(),
})
export type Tokens = z.infer<typeof Tokens>

export const Descriptor = z.object({ type: z.literal('public-key'), id: z.string(), transports: z.array(z.string()) })

export const RequestOptions = z
  .object({
    challenge: z.string(),
    timeout: z.int().describe('Milliseconds.'),
    rpId: z.string(),
    allowCredentials: z.array(Descriptor).describe('Empty: any passkey of this domain.'),
    userVerification: z.string(),
  })
  .describe('PublicKeyCredentialRequestOptionsJSON (WebAuthn Level 3, 5.1).')

export const CreationOptions = z
  .object({
    rp: z.object({ id: z.string(), name: z.string() }),
    user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
    challenge: z.string(),
    pubKeyCredParams: z.array(z.object({ type: z.literal('public-key'), alg: z.int() })),
    timeout: z.int().describe('Milliseconds.'),
    excludeCredentials: z.array(Descriptor),
    authenticatorSelection: z.object({ residentKey: z.string(), requireResidentKey: z.boolean(), userVerification: z.string() }),
    attestation: z.string(),
  })
  .describe('PublicKeyCredentialCreationOptionsJSON (WebAuthn Level 3, 5.1).')

export const Signals = z
  .object({
    rpId: z.string(),
    userId: z.string().describe('base64url.'),
    acceptedCredentialIds: z.array(z.string()).describe('A passkey of the person that is not among them may be hidden or removed.'),
    name: z.string(),
    displayName: z.string(),
  })
  .describe("For the platform's signal methods (WebAuthn Level 3, 5.1.10): what a credential manager may keep, and what the account is called. As of now.")

export const SessionState = z.object({
  id: z.uuid(),
  purpose: z.enum(['login', 'settings']).describe('`settings`: for creating a passkey by somebody who is signed in; it gives no tokens.'),
  status: SessionStatus,
  endReason: EndReason.nullable(),
  step: Step.nullable().describe('What the login is at; null when it is over.'),
  revision: z.int().describe("Of the session's stream: pass it to `GET` as `?revision=` to read at least this state."),
  expiresAt: z.iso.datetime(),
  secondsLeft: z.int(),
  attemptsLeft: z.int().describe('Wrong proofs that this session still takes.'),
})

export const AssertionState = z.object({
  outcome: z.enum(['requested', 'verified', 'rejected', 'not_used']),
  reason: z.string().nullable(),
  retryable: z.boolean(),
  preferImmediatelyAvailable: z
    .boolean()
    .describe('Ask for passkeys on this device alone first: no sheet appears where there is none. After a failure other devices may be offered too.'),
})

export const OfferState = z.object({
  outcome: AppendOutcome,
  reason: z.string().nullable(),
  number: z.int(),
  mode: OfferMode,
  entryPoint: EntryPoint,
  variant: z.string().nullable(),
})

export const PasskeyState = z.object({ id: z.string(), status: z.enum(['pending', 'active']) })

export const OtpState = z.object({
  outcome: z.enum(['due', 'verified', 'skipped']),
  channels: z.array(Channel).describe('Where a code can go.'),
  channel: Channel.nullable(),
  delivery: z.enum(['pending', 'sent', 'failed']).nullable(),
  expiresAt: z.iso.datetime().nullable(),
  resendAt: z.iso.datetime().nullable(),
  sendsLeft: z.int(),
  attemptsLeft: z.int(),
})

export const PinState = z.object({ outcome: z.enum(['due', 'here', 'set', 'skipped']), keptOn: PinKeeper })
export const BiometricsState = z.object({ outcome: z.enum(['due', 'here', 'on', 'off', 'skipped']) })

export const SessionAnswer = z.object({
  session: SessionState,
  next: z.array(NextAction).describe('What is legal now.'),
  assertion: AssertionState.nullable().describe('The login with a passkey; null where none was asked for.'),
  offer: OfferState.nullable().describe('The offer of a passkey; null where none was made.'),
  passkey: PasskeyState.nullable().describe('The passkey that this session created.'),
  otp: OtpState.nullable().describe('Null until a proof was given, and where no code is asked for.'),
  pin: PinState.nullable().describe('Null until a proof was given, and where no PIN is asked for.'),
  biometrics: BiometricsState.nullable().describe('Null until a proof was given, and where they are not asked for.'),
  requestOptions: RequestOptions.optional().describe('Stand with the state while a passkey is asked for, but not in the answer to `GET`. The answer to a request that did not ask anew has the same ones.'),
  creationOptions: CreationOptions.optional().describe('Answered to `append_options`.'),
  signals: Signals.optional().describe('Answered to a passkey that signed in or was created, and to the request that completed the login.'),
  tokens: Tokens.optional().describe('Answered to the request that completed the login.'),
})
export type SessionAnswer = z.infer<typeof SessionAnswer>

export const RefreshAnswer = z.object({ tokens: Tokens })
export const UnlockAnswer = z.object({ unlocked: z.literal(true) }).describe('The PIN was right.')
export const BiometricsAnswer = z.object({ enabled: z.boolean() }).describe('How it is now.')

export const Problem = z
  .object({
    type: z.string().describe('`urn:keyledger:problem:` and the code.'),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('Stable; what an app decides by. Later releases may answer codes that are not listed here.'),
    detail: z.string().optional(),
    reason: z.string().optional(),
    retryable: z.boolean().optional(),
    attemptsLeft: z.int().optional(),
    unknownCredentialId: z.string().optional().describe('A passkey that is not known here, or was not taken: the device may forget it (signalUnknownCredential).'),
    retryAfterSeconds: z.int().optional().describe('With 429, as in `Retry-After`: so long until the request is looked at.'),
    maxAgeSeconds: z.int().optional().describe('With `insufficient_user_authentication`: how fresh the login must be (RFC 9470).'),
    account: z.uuid().optional().describe('With `identifier_taken`: the account that has exactly these identifiers. Told to a backend alone.'),
    ...SessionAnswer.partial().shape,
  })
  .describe('RFC 9457. With a session, the problem carries its state too.')
export type Problem = z.infer<typeof Problem>

export const Passkey = z
  .object({
    id: z.string(),
    name: z.string().describe('As the person called it, else the provider.'),
    provider: z.string().nullable().describe('Who keeps it, by its AAGUID; null for a provider that is not known.'),
    aaguid: z.string(),
    status: z.enum(['pending', 'active']),
    createdAt: z.iso.datetime(),
    lastUsedAt: z.iso.datetime().nullable().describe('Null: never, or not known now.'),
    backedUp: z.boolean().describe('It is synchronized, so losing the device does not lose it.'),
    here: z.boolean().describe('It was created or used on this installation.'),
  })
  .describe("A passkey in the person's list.")
export const PasskeysAnswer = z.object({ passkeys: z.array(Passkey), signals: Signals })

export const Contact = z.object({ id: z.string(), channel: Channel, address: z.string() }).describe('Where codes and notices go.')
export const OwnAccountAnswer = z.object({ contacts: z.array(Contact) })

export const AccountPasskey = Passkey.omit({ here: true, lastUsedAt: true })
export const AccountAnswer = z
  .object({
    account: z.uuid(),
    status: z.enum(['active', 'disabled', 'erased']),
    registeredAt: z.iso.datetime(),
    identifiers: z.array(z.object({ kind: z.enum(['email', 'phone', 'username']), value: z.string() })),
    contacts: z.array(Contact),
    hasPassword: z.boolean(),
    mfa: z.boolean(),
    disabledFactors: z.array(Factor).describe('Guessed wrong too often: enabling the account, or for the password a new one, takes them again.'),
    locale: z.string().nullable(),
    passkeys: z.array(AccountPasskey),
  })
  .describe("What the company's backend is told of an account.")
export const ImportAnswer = z.object({
  results: z
    .array(z.object({ outcome: z.enum(['registered', 'exists', 'refused']), account: z.uuid().nullable(), reason: z.string().nullable() }))
    .describe('Each with the place that it had in the request.'),
})
export const AccessAnswer = z
  .object({
    subject: z.string().describe('As the provider names them; `console-key` for whoever has that.'),
    name: z.string().nullable(),
    roles: z.array(z.enum(['analyst', 'auditor', 'admin'])).describe('`admin` may all.'),
  })
  .describe('Who looks from within the company.')
const hashes = z.array(z.string()).describe('Hashes in base64, from below to just below the root.')
export const CheckpointAnswer = z
  .object({
    number: z.int().positive(),
    size: z.int().positive().describe('Events that it covers.'),
    root: z.string().describe('Of their Merkle tree (RFC 9162), in base64.'),
    at: z.iso.datetime(),
    note: z.string().describe('The signed note (c2sp.org/tlog-checkpoint): what to keep.'),
  })
  .describe('What was signed of the log.')
export const CheckpointsAnswer = z.object({
  origin: z.string(),
  key: z.string().describe('The first key of the ledger, as c2sp.org/signed-note writes it.'),
  handovers: z.array(z.string()).describe('Signed notes by which each key named the next.'),
  checkpoints: z.array(CheckpointAnswer),
})
export const InclusionAnswer = z
  .object({
    stream: z.string(),
    revision: z.int().nonnegative(),
    index: z.int().nonnegative().describe('In the tree, from 0.'),
    size: z.int().positive().describe('Of the tree that the proof is for.'),
    leaf: z.string().describe('The hash of the event as a leaf, in base64.'),
    proof: hashes,
  })
  .describe('That an event is in the tree (RFC 9162, 2.1.3).')
export const ConsistencyAnswer = z
  .object({ from: z.int().positive(), to: z.int().positive(), proof: hashes })
  .describe('That the tree of `to` events begins with that of `from` (RFC 9162, 2.1.4).')
export const EraseAnswer = z.object({
  account: z.uuid(),
  erased: z.enum(['done', 'pending']).describe('`pending`: the person is refused everywhere already, and what is left of the erasure is done by repeating the request.'),
})

const PersonFact = z
  .object({
    at: z.iso.datetime(),
    event: z.string(),
    meaning: z.string().describe('What the event means, and what it does not imply.'),
    data: z.record(z.string(), z.unknown()).describe('What was sealed is opened. `withheld`: kept to tell whether a secret is right; `no longer kept`: its time was over.'),
  })
  .describe('A fact that the log has.')
const told = z.string().nullable().describe('Null: it was not told, or is no longer kept.')
export const ExportAnswer = AccountAnswer.omit({ contacts: true, passkeys: true })
  .extend({
    contacts: z.array(Contact.extend({ removed: z.boolean() })),
    passkeys: z.array(AccountPasskey.omit({ status: true }).extend({ status: z.enum(['pending', 'active', 'revoked']) })),
    installations: z.array(z.object({ id: z.uuid(), pin: PinKeeper.nullable().describe('Where it is kept. Null: there is none.'), biometrics: z.boolean().nullable() })).describe('Of the apps, on each device.'),
    neverOffer: z.boolean().describe('The person asked never to be offered a passkey again.'),
    facts: z.array(PersonFact),
    sessions: z.array(
      z.object({
        id: z.uuid(),
        startedAt: z.iso.datetime(),
        status: SessionStatus,
        app: z.string(),
        platform: Platform,
        installation: z.uuid(),
        locale: z.string(),
        identifier: told,
        address: told,
        userAgent: told,
        deviceModel: told,
        signedInBy: Proof.nullable().describe('Null: nobody proved to be the person, so it may have been somebody else.'),
        facts: z.array(PersonFact),
      }),
    ),
  })
  .describe('Everything that is kept of a person (GDPR, art. 15).')
