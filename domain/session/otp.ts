/** Step 4c, 4d: a code by e-mail or SMS. The code itself is derived and judged in `factors/otp.ts`; here are its life and its limits. */
import type { Sealed } from '../event.ts'
import { decided, illegal, outcomeOf, refuse, type Circumstances, type Decision } from './decision.ts'
import type { SessionEvent } from './events.ts'
import { limits } from './flow.ts'
import type { SessionState } from './state.ts'
import type { Channel, OtpRejection } from './vocabulary.ts'

/** A code is issued: 6 digits, good for 5 minutes, again after 30 s, at most 5 a session. `destination` is undefined where the account has no such contact. */
export function decideOtpSend(
  state: SessionState,
  { channel, destination }: { channel: Channel; destination: Sealed | undefined },
  circumstances: Circumstances,
): Decision {
  const refusal = illegal(state, 'otp_send', circumstances.now)
  if (refusal) return refusal
  const { otp } = state.view
  if (!destination) return refuse('otp_channel_unavailable')
  if (otp.resendAt !== null && circumstances.now < otp.resendAt) {
    return refuse('otp_resend_too_soon', { retryAfterSeconds: Math.ceil((Date.parse(otp.resendAt) - Date.parse(circumstances.now)) / 1000) })
  }
  // By the stream's time, which they are judged by: where the clock has stepped back, the code would otherwise be dead when it arrives.
  const inSeconds = (seconds: number): string => new Date(Date.parse(circumstances.now) + seconds * 1000).toISOString()
  const [expiresAt, resendAt] = [inSeconds(limits.otpSeconds), inSeconds(limits.otpResendSeconds)]
  return decided(state, [{ type: 'OtpIssued', data: { issue: otp.issues + 1, channel, destination, expiresAt, resendAt } }], circumstances)
}

export type Receipt = { delivered: true; carrierId?: string | undefined } | { delivered: false; reason: string; retryable: boolean }

/** What the carrier said of issue number `issue`. Said twice, the first one counts. */
export function decideOtpReceipt(state: SessionState, issue: number, receipt: Receipt): Decision {
  if (state.view.otp.issues !== issue || state.view.otp.delivery !== 'pending') return { outcome: { done: true }, events: [] }
  const event: SessionEvent = receipt.delivered
    ? { type: 'OtpSent', data: receipt.carrierId === undefined ? { issue } : { issue, carrierId: receipt.carrierId } }
    : { type: 'OtpDeliveryFailed', data: { issue, reason: receipt.reason, retryable: receipt.retryable } }
  return { outcome: outcomeOf([event], state.view), events: [event] }
}

/** The code was judged against issue number `issue`. */
export function decideOtp(state: SessionState, verdict: { matches: boolean; issue: number }, circumstances: Circumstances): Decision {
  const refusal = illegal(state, 'otp', circumstances.now)
  if (refusal) return refusal
  const { otp } = state.view
  const { issue } = verdict
  const rejected = (reason: OtpRejection, attemptsLeft: number): Decision =>
    decided(state, [{ type: 'OtpRejected', data: { issue, reason, attemptsLeft } }], circumstances)
  if (issue !== otp.issues || otp.expiresAt === null || circumstances.now >= otp.expiresAt) return rejected('expired', 0)
  if (!verdict.matches || otp.channel === null) {
    const attemptsLeft = limits.otpAttempts - otp.wrong - 1
    return rejected(attemptsLeft > 0 ? 'wrong_code' : 'too_many_attempts', attemptsLeft)
  }
  return decided(state, [{ type: 'OtpVerified', data: { issue, channel: otp.channel } }], circumstances)
}

export function decideOtpSkip(state: SessionState, circumstances: Circumstances): Decision {
  return illegal(state, 'otp_skip', circumstances.now) ?? decided(state, [{ type: 'OtpSkipped', data: { reason: 'declined' } }], circumstances)
}
