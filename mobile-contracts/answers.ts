/** What apps are answered. An app follows `next`; unknown actions, reasons and fields are to be tolerated. */
import { z } from 'zod'
import { Action, AppendOutcome, Channel, EndReason, EntryPoint, OfferMode, PinKeeper, Refusal, SessionStatus, SignedInAction } from '../domain/session/vocabulary.ts'

export const NextAction = z.object({
  action: z.union([Action, SignedInAction]),
  method: z.enum(['POST', 'DELETE']),
  href: z.string(),
  /** The fields that the body must have. */
  needs: z.array(z.string()),
})

export const Tokens = z.object({
  tokenType: z.literal('Bearer'),
  /** JWT (RFC 9068), ES256. */
  accessToken: z.string(),
  /** Seconds. */
  expiresIn: z.int(),
  refreshToken: z.string(),
  refreshExpiresAt: z.iso.datetime(),
})
export type Tokens = z.infer<typeof Tokens>

export const SessionAnswer = z.object({
  session: z.object({
    id: z.uuid(),
    status: SessionStatus,
    endReason: EndReason.nullable(),
    /** What the login is at; null when it is over. */
    step: z.enum(['password', 'append', 'otp', 'pin', 'biometrics']).nullable(),
    /** Of the session's stream: pass it to `GET` as `?revision=` to read at least this state. */
    revision: z.int(),
    expiresAt: z.iso.datetime(),
    secondsLeft: z.int(),
    /** Wrong proofs that this session still takes. */
    attemptsLeft: z.int(),
  }),
  /** What is legal now. */
  next: z.array(NextAction),
  offer: z.object({ outcome: AppendOutcome, reason: z.string().nullable(), number: z.int(), mode: OfferMode, entryPoint: EntryPoint, variant: z.string().nullable() }).nullable(),
  passkey: z.object({ id: z.string(), status: z.enum(['pending', 'active']) }).nullable(),
  otp: z
    .object({
      outcome: z.enum(['due', 'verified', 'skipped']),
      /** Where a code can go. */
      channels: z.array(Channel),
      channel: Channel.nullable(),
      delivery: z.enum(['pending', 'sent', 'failed']).nullable(),
      expiresAt: z.iso.datetime().nullable(),
      resendAt: z.iso.datetime().nullable(),
      sendsLeft: z.int(),
      attemptsLeft: z.int(),
    })
    .nullable(),
  pin: z.object({ outcome: z.enum(['due', 'here', 'set', 'skipped']), keptOn: PinKeeper }).nullable(),
  biometrics: z.object({ outcome: z.enum(['due', 'here', 'on', 'off', 'skipped']) }).nullable(),
  /** PublicKeyCredentialCreationOptionsJSON (WebAuthn Level 3, 5.1), answered to `append_options`. */
  creationOptions: z.record(z.string(), z.unknown()).optional(),
  /** Answered to the request that completed the login. */
  tokens: Tokens.optional(),
})
export type SessionAnswer = z.infer<typeof SessionAnswer>

/** Answered to `refresh`. */
export const RefreshAnswer = z.object({ tokens: Tokens })
/** Answered to `unlock`: the PIN was right. */
export const UnlockAnswer = z.object({ unlocked: z.literal(true) })
/** Answered to `switch_biometrics`: how it is now. */
export const BiometricsAnswer = z.object({ enabled: z.boolean() })

/** RFC 9457, as `application/problem+json`. With a session, the problem carries its state too. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  /** Stable; what an app decides by. */
  code: z.union([Refusal, z.string()]),
  detail: z.string().optional(),
  reason: z.string().optional(),
  retryable: z.boolean().optional(),
  attemptsLeft: z.int().optional(),
  ...SessionAnswer.partial().shape,
})
export type Problem = z.infer<typeof Problem>
