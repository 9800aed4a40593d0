/** Step 4c, 4d: a code is issued, carried, and comes back. */
import { decideOtp, decideOtpReceipt, decideOtpSend, decideOtpSkip } from '../domain/session/otp.ts'
import { limits } from '../domain/session/flow.ts'
import type { Sealed } from '../domain/event.ts'
import type { Channel } from '../domain/session/vocabulary.ts'
import type { Carrier, Message, Receipt } from '../delivery/delivery.ts'
import type { Cause, Streams } from '../eventlog/transact.ts'
import type { Otp } from '../factors/otp.ts'
import { uuidOf } from '../vault/sealing.ts'
import type { Vault } from '../vault/vault.ts'
import { appOf, type Settings } from './apps.ts'
import { destinationOf } from './contacts.ts'
import { answerOf, sessions, sessionStream, type Answer, type Step } from './step.ts'

type Send = { channel: Channel; destination: Sealed | undefined }

export function createOtpSteps(dependencies: { streams: Streams; vault: Vault; otp: Otp; deliver: Carrier; settings: () => Settings; now: () => Date }) {
  const { streams, vault, otp, deliver, settings, now } = dependencies

  const send = (channel: Channel): Step<Send> => ({
    action: 'otp_send',
    // Nobody is sent a code that would not be taken.
    factor: 'otp',
    judge: async ({ view }, person) => ({
      channel,
      // Only where the answer said that a code can go.
      destination: person && view.contacts.includes(channel) ? destinationOf(person.state, channel) : undefined,
    }),
    decide: decideOtpSend,
    // Issued first, sent after: a crash in between is made good by the repeat, with the same code under the same delivery id.
    async then(answer, cause, issued) {
      if (!('done' in answer.outcome) || answer.state.view.otp.delivery !== 'pending') return answer
      if (!issued && (await isDead(answer))) return answer
      const receipt = await carry(answer)
      return record(answer, receipt, cause)
    },
  })

  /** Nobody waits for this code any more: a late repeat must not send it after the one that took its place. */
  async function isDead({ session, state: { view } }: Answer): Promise<boolean> {
    const present = (await streams.load(sessions, sessionStream(session)))?.state.view
    return present?.status !== 'running' || present.otp.outcome !== 'due' || present.otp.issues !== view.otp.issues || now().toISOString() >= (view.otp.expiresAt ?? '')
  }

  async function carry({ session, state }: Answer): Promise<Receipt> {
    const { channel, issues } = state.view.otp
    const app = appOf(settings(), state.view.app)
    const to = state.destination === null ? undefined : await vault.open(state.destination)
    if (!app || channel === null || to === undefined) return { delivered: false, reason: 'refused', retryable: false }
    const smsHash = app.android.find((one) => one.smsHash)?.smsHash
    const message: Message = {
      id: uuidOf(`otp ${session} ${issues}`),
      channel,
      to,
      template: 'otp',
      locale: state.locale,
      platform: state.view.platform,
      app: { name: app.name, domain: app.rpId, ...(smsHash === undefined ? {} : { smsHash }) },
      code: otp.code(session, issues),
      validMinutes: limits.otpSeconds / 60,
    }
    return deliver(message)
  }

  async function record(answer: Answer, receipt: Receipt, cause: Cause): Promise<Answer> {
    const { session, state } = answer
    const { result, folded } = await streams.transact(sessions, sessionStream(session), cause, (current) => {
      if (!current) throw new TypeError('the code was issued in a session')
      const { events, outcome } = decideOtpReceipt(current.state, state.view.otp.issues, receipt)
      return { events, result: outcome }
    })
    return folded ? answerOf(session, result, folded) : answer
  }

  const verify = (typed: string): Step<{ matches: boolean; issue: number }> => ({
    action: 'otp',
    factor: 'otp',
    // Of the account, in all of its logins: a new one, or a code sent anew, gives no more guesses.
    guessedBy: async ({ view }) => view.account as string,
    judge: async ({ view }, _, session) => ({ issue: view.otp.issues, matches: otp.matches(session, view.otp.issues, typed) }),
    decide: decideOtp,
  })

  const skip: Step<undefined> = { action: 'otp_skip', judge: async () => undefined, decide: (state, _, circumstances) => decideOtpSkip(state, circumstances) }

  return { send, verify, skip }
}
