/** What a login has come to, folded from its events. `view` is public; the rest never leaves the engine. */
import type { Fact, Sealed } from '../event.ts'
import { demandCode, type Plan } from '../policy.ts'
import type { SessionEvent } from './events.ts'
import type { AppendOutcome, Channel, EndReason, EntryPoint, OfferMode, Platform, SessionStatus } from './vocabulary.ts'

export type SessionView = {
  status: SessionStatus
  endReason: EndReason | null
  app: string
  platform: Platform
  account: string | null
  supports: readonly string[]
  plan: Plan
  expiresAt: string
  refusals: number
  password: 'due' | 'verified'
  mfa: boolean
  contacts: readonly Channel[]
  append: {
    outcome: AppendOutcome
    reason: string | null
    starts: number
    retryable: boolean
    offer: { number: number; mode: OfferMode; entryPoint: EntryPoint; variant: string | null } | null
  }
  passkey: string | null
  otp: {
    outcome: 'due' | 'verified' | 'skipped'
    channel: Channel | null
    issues: number
    wrong: number
    delivery: 'pending' | 'sent' | 'failed' | null
    expiresAt: string | null
    resendAt: string | null
  }
  pin: 'due' | 'here' | 'set' | 'skipped'
  biometrics: 'due' | 'here' | 'on' | 'off' | 'skipped'
}

export type SessionState = {
  view: SessionView
  flowTokenHash: string
  installation: string
  entryPoint: EntryPoint
  locale: string
  screenLock: boolean | undefined
  identifier: Sealed
  authTime: string | null
  ceremony: { challenge: string; mode: OfferMode; excludes: readonly { id: string; transports: readonly string[] }[]; expiresAt: string } | null
  destination: Sealed | null
  completion: { at: string; amr: readonly string[]; authTime: string; passkey: string | null } | null
}

export function evolve(state: SessionState | undefined, fact: Fact<SessionEvent>): SessionState {
  if (fact.type === 'IdentifierEntered') return started(fact)
  if (!state) throw new TypeError(`a session cannot begin with ${fact.type}`)
  const view = (change: Partial<SessionView>, rest: Partial<SessionState> = {}): SessionState => ({
    ...state,
    ...rest,
    view: { ...state.view, ...change },
  })
  const { append, otp, refusals, plan } = state.view
  // A passkey that was created stays created, whatever is reported later.
  const notAppended = (change: Partial<SessionView['append']>): SessionState =>
    append.outcome === 'appended' ? state : view({ append: { ...append, ...change } }, { ceremony: null })
  // The first end stands: nothing that comes late undoes a finished login, or finishes one that had ended.
  const over = (change: Partial<SessionView>, rest: Partial<SessionState> = {}): SessionState =>
    state.view.status === 'running' ? view(change, { ceremony: null, ...rest }) : state
  switch (fact.type) {
    case 'PasswordVerified':
      return view(
        {
          password: 'verified',
          mfa: fact.data.mfa,
          contacts: fact.data.contacts,
          plan: fact.data.mfa ? demandCode(plan) : plan,
          pin: fact.data.pinHere ? 'here' : 'due',
          biometrics: fact.data.biometricsHere ? 'here' : 'due',
        },
        { authTime: fact.at },
      )
    case 'PasswordRejected':
      return view({ refusals: refusals + 1 })
    case 'AppendOffered': {
      const { offer, mode, entryPoint, variant } = fact.data
      return view({ append: { ...append, outcome: 'offered', offer: { number: offer, mode, entryPoint, variant } } })
    }
    case 'AppendWithheld':
      return view({ append: { ...append, outcome: 'withheld', reason: fact.data.reason } })
    case 'AppendStarted':
      return view({ append: { ...append, outcome: 'started', reason: null, retryable: false, starts: append.starts + 1 } }, { ceremony: fact.data })
    case 'PasskeyAppended':
      return view({ append: { ...append, outcome: 'appended' }, passkey: fact.data.passkey }, { ceremony: null })
    case 'AppendSkipped':
      return notAppended({ outcome: 'skipped', reason: fact.data.reason })
    case 'AppendCancelled':
      return notAppended({ outcome: 'cancelled', reason: fact.data.reason, retryable: true })
    case 'AppendNotShown':
      return notAppended({ outcome: 'not_shown', reason: fact.data.reason })
    case 'AppendFailed': {
      const { reason, retryable, by } = fact.data
      const failed = notAppended({ outcome: 'failed', reason, retryable })
      return by === 'engine' ? { ...failed, view: { ...failed.view, refusals: refusals + 1 } } : failed
    }
    case 'OtpIssued': {
      const { channel, expiresAt, resendAt, destination } = fact.data
      return view({ otp: { ...otp, channel, expiresAt, resendAt, issues: fact.data.issue, wrong: 0, delivery: 'pending' } }, { destination })
    }
    case 'OtpSent':
      return fact.data.issue === otp.issues ? view({ otp: { ...otp, delivery: 'sent' } }) : state
    case 'OtpDeliveryFailed':
      return fact.data.issue === otp.issues ? view({ otp: { ...otp, delivery: 'failed', resendAt: null } }) : state
    case 'OtpVerified':
      return view({ otp: { ...otp, outcome: 'verified' } })
    case 'OtpRejected':
      return view({ otp: { ...otp, wrong: otp.wrong + (fact.data.reason === 'expired' ? 0 : 1) }, refusals: refusals + 1 })
    case 'OtpSkipped':
      return view({ otp: { ...otp, outcome: 'skipped' } })
    case 'PinSet':
      return view({ pin: 'set' })
    case 'PinSkipped':
      return view({ pin: 'skipped' })
    case 'BiometricToggled':
      return view({ biometrics: fact.data.enabled ? 'on' : 'off' })
    case 'BiometricSkipped':
      return view({ biometrics: 'skipped' })
    case 'SessionCompleted':
      return over({ status: 'completed' }, { completion: { at: fact.at, ...fact.data } })
    case 'SessionExpired':
      return over({ status: 'expired' })
    case 'SessionEnded':
      return over({ status: 'ended', endReason: fact.data.reason })
  }
}

/** The public part alone, for readers that must not have the rest. */
export const evolveView = (view: SessionView | null, fact: Fact<SessionEvent>): SessionView => evolve(view ? { ...hidden, view } : undefined, fact).view

function started({ data }: Fact<SessionEvent> & { type: 'IdentifierEntered' }): SessionState {
  return {
    view: {
      status: 'running',
      endReason: null,
      app: data.app,
      platform: data.platform,
      account: data.account,
      supports: data.supports,
      plan: data.plan,
      expiresAt: data.expiresAt,
      refusals: 0,
      password: 'due',
      mfa: data.mfa,
      contacts: data.contacts,
      append: { outcome: 'due', reason: null, starts: 0, retryable: false, offer: null },
      passkey: null,
      otp: { outcome: 'due', channel: null, issues: 0, wrong: 0, delivery: null, expiresAt: null, resendAt: null },
      pin: 'due',
      biometrics: 'due',
    },
    flowTokenHash: data.flowTokenHash,
    installation: data.installation,
    entryPoint: data.entryPoint,
    locale: data.locale,
    screenLock: data.screenLock,
    identifier: data.identifier,
    ...nothingYet,
  }
}

const nothingYet = { authTime: null, ceremony: null, destination: null, completion: null }
const hidden: Omit<SessionState, 'view'> = {
  flowTokenHash: '',
  installation: '',
  entryPoint: 'post_login',
  locale: '',
  screenLock: undefined,
  identifier: '' as Sealed,
  ...nothingYet,
}
