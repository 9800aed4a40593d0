/** What a login has come to, folded from its events. `view` is public; the rest never leaves the engine. */
import type { Fact, Sealed } from '../event.ts'
import { demandCode, type Plan } from '../policy.ts'
import type { Device } from '../policy/offer.ts'
import type { SessionEvent } from './events.ts'
import type { AppendOutcome, Channel, EndReason, EntryPoint, OfferMode, PasswordReason, Platform, Proof, SessionStatus } from './vocabulary.ts'

export type SessionView = {
  /** `settings`: somebody who is signed in already creates a passkey. */
  purpose: 'login' | 'settings'
  status: SessionStatus
  endReason: EndReason | null
  app: string
  platform: Platform
  /** Null where the identifier is nobody's, or until a passkey says whose it is. */
  account: string | null
  /** There is no identifier: a passkey is to say who it is. */
  usernameless: boolean
  /** Until there is a proof, no answer tells whether somebody has the identifier, or a passkey. */
  hidden: boolean
  /** Active passkeys of the account, as it was when the login began. */
  passkeys: number
  supports: readonly string[]
  plan: Plan
  expiresAt: string
  refusals: number
  /** By what the person is signed in; null until then. */
  proof: Proof | null
  assertion: {
    outcome: 'none' | 'requested' | 'verified' | 'rejected' | 'not_used'
    reason: string | null
    retryable: boolean
    requests: number
    /** In a row: bad answers, and reports that there is none. */
    failures: number
    passkey: string | null
    /** The passkey stands for two factors. */
    mfa: boolean
    crossDevice: boolean
  }
  passwordChosen: PasswordReason | null
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
  device: Device
  autofilled: boolean
  identifier: Sealed | null
  authTime: string | null
  /** The account's revision that the proof was judged by. */
  accountRevision: number | null
  /** What the proof adds to `amr` (RFC 8176); a code may add to it. */
  amr: readonly string[]
  /** The two ceremonies never share a challenge: one creates a passkey, the other signs in with one. */
  ceremony: { challenge: string; mode: OfferMode; excludes: Credentials; expiresAt: string } | null
  request: { challenge: string; allow: Credentials; expiresAt: string } | null
  destination: Sealed | null
  completion: { at: string; amr: readonly string[]; authTime: string; passkey: string | null } | null
}

type Credentials = readonly { id: string; transports: readonly string[] }[]
type Begun = Extract<SessionEvent, { type: 'IdentifierEntered' | 'UsernamelessLoginStarted' | 'SettingsEntered' }>

export function evolve(state: SessionState | undefined, fact: Fact<SessionEvent>): SessionState {
  if (fact.type === 'IdentifierEntered' || fact.type === 'UsernamelessLoginStarted' || fact.type === 'SettingsEntered') return begun(fact)
  if (!state) throw new TypeError(`a session cannot begin with ${fact.type}`)
  const view = (change: Partial<SessionView>, rest: Partial<SessionState> = {}): SessionState => ({
    ...state,
    ...rest,
    view: { ...state.view, ...change },
  })
  const { append, assertion, otp, refusals, plan } = state.view
  // A passkey that was created stays created, whatever is reported later.
  const notAppended = (change: Partial<SessionView['append']>): SessionState =>
    append.outcome === 'appended' ? state : view({ append: { ...append, ...change } }, { ceremony: null })
  // The first end stands: nothing that comes late undoes a finished login, or finishes one that had ended.
  const over = (change: Partial<SessionView>, rest: Partial<SessionState> = {}): SessionState =>
    state.view.status === 'running' ? view(change, { ceremony: null, request: null, ...rest }) : state
  const proved = (proof: Proof, { accountRevision, mfa, contacts, pinHere, biometricsHere }: AccountSaid, amr: string[], change: Partial<SessionView>, rest: Partial<SessionState>) =>
    view(
      {
        proof,
        mfa,
        contacts,
        plan: mfa ? demandCode(plan) : plan,
        pin: pinHere ? 'here' : 'due',
        biometrics: biometricsHere ? 'here' : 'due',
        ...change,
      },
      { authTime: fact.at, accountRevision, amr, request: null, ...rest },
    )
  switch (fact.type) {
    case 'PasskeyRequested':
      return view({ assertion: { ...assertion, outcome: 'requested', requests: assertion.requests + 1 } }, { request: fact.data })
    case 'PasskeyVerified': {
      const { passkey, crossDevice, userVerified, uvInitialized, backupEligible, account } = fact.data
      const mfa = userVerified && uvInitialized
      const amr = [backupEligible ? 'swk' : 'hwk', 'user', ...(mfa ? ['mfa'] : [])]
      return proved('passkey', fact.data, amr, { account, assertion: { ...assertion, outcome: 'verified', reason: null, passkey, mfa, crossDevice } }, {})
    }
    case 'PasskeyRejected': {
      const { reason, retryable } = toldOf(fact.data, state.view)
      return view({ refusals: refusals + 1, assertion: { ...assertion, outcome: 'rejected', reason, retryable, failures: assertion.failures + 1 } }, { request: null })
    }
    case 'PasskeyNotUsed': {
      const { reason, retryable } = fact.data
      return view({ assertion: { ...assertion, outcome: 'not_used', reason, retryable, failures: assertion.failures + 1 } }, { request: null })
    }
    case 'PasswordChosen':
      return view({ passwordChosen: fact.data.reason })
    case 'PasswordVerified':
      return proved('password', fact.data, ['pwd'], {}, { autofilled: fact.data.autofilled ?? false })
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
      return notAppended({ outcome: 'not_shown', reason: fact.data.reason, retryable: fact.data.retryable ?? false })
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

/** Why a passkey was refused, as far as the answer may tell: the reasons differ by what the account has. The log has the true one. */
export const toldOf = ({ reason, retryable }: { reason: string; retryable: boolean }, { hidden }: Pick<SessionView, 'hidden'>) =>
  hidden ? { reason: 'refused', retryable: true } : { reason, retryable }

/** The public part alone, for readers that must not have the rest. */
export const evolveView = (view: SessionView | null, fact: Fact<SessionEvent>): SessionView => evolve(view ? { ...hidden, view } : undefined, fact).view

type AccountSaid = Pick<(SessionEvent & { type: 'PasswordVerified' })['data'], 'accountRevision' | 'mfa' | 'contacts' | 'pinHere' | 'biometricsHere'>

function begun({ type, data }: Fact<Begun>): SessionState {
  const { osVersion, appVersion, screenLock, credentialManager, conditionalCreate } = data
  const state: SessionState = {
    ...hidden,
    view: {
      purpose: 'login',
      status: 'running',
      endReason: null,
      app: data.app,
      platform: data.platform,
      account: null,
      usernameless: false,
      hidden: false,
      passkeys: 0,
      supports: data.supports,
      plan: data.plan,
      expiresAt: data.expiresAt,
      refusals: 0,
      proof: null,
      assertion: { outcome: 'none', reason: null, retryable: true, requests: 0, failures: 0, passkey: null, mfa: false, crossDevice: false },
      passwordChosen: null,
      mfa: false,
      contacts: [],
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
    device: { osVersion, appVersion, screenLock, credentialManager, conditionalCreate },
  }
  const { view } = state
  switch (type) {
    case 'IdentifierEntered': {
      const { identifier, account, passkeys, mfa, contacts, accountExistence } = data
      return { ...state, identifier, view: { ...view, account, passkeys, mfa, contacts, hidden: accountExistence === 'hidden' } }
    }
    case 'UsernamelessLoginStarted':
      return { ...state, view: { ...view, usernameless: true } }
    case 'SettingsEntered': {
      const { account, proof, amr, authTime, accountRevision = null } = data
      return { ...state, amr, authTime, accountRevision, view: { ...view, purpose: 'settings', account, proof } }
    }
  }
}

/** Until something is known; and for readers of the view, who never know it. */
const hidden: Omit<SessionState, 'view'> = {
  flowTokenHash: '',
  installation: '',
  entryPoint: 'post_login',
  locale: '',
  device: {},
  autofilled: false,
  identifier: null,
  authTime: null,
  accountRevision: null,
  amr: [],
  ceremony: null,
  request: null,
  destination: null,
  completion: null,
}
