/** A row per login, and per visit to the settings: where it took place and what came of each of its steps. Every metric is a query over these rows. */
import type { Fact } from '../../domain/event.ts'
import { parseFact } from '../fact.ts'
import { accountEvents } from '../../domain/account/events.ts'
import { sessionEvents, type SessionEvent } from '../../domain/session/events.ts'
import type { PlanStep, Proof, WithheldReason } from '../../domain/session/vocabulary.ts'
import type { Projection } from '../projection.ts'
import { openStep, shortPlan, withCode, type ShortPlan } from './steps.ts'

export type LoginRow = {
  account: string | null
  installation: string | null
  /** Somebody who was signed in came to create a passkey: no login. */
  settings: boolean
  test: boolean
  app: string
  app_version: string | null
  platform: string
  os_version: string | null
  /** Where the offer was made; until then where the login began. */
  entry_point: string
  /** The version that decided the offer; until then the plan's. */
  policy: string
  variant: string | null
  plan: ShortPlan
  started_at: string | null
  /** It began with an identifier; otherwise a passkey was to say who it is. */
  identified: boolean
  /** The account had an active passkey when the login began. */
  had_passkey: boolean
  passkey_asked: boolean
  proof: Proof | null
  proved_at: string | null
  /** Why the password, although a passkey was asked for. */
  fallback: string | null
  used_passkey: string | null
  strong: boolean
  /** The offer was to be decided, and neither device, app nor person stood against it. */
  eligible: boolean
  withheld: string | null
  offer: number | null
  offered_at: string | null
  mode: string | null
  starts: number
  /** The last thing that became of the offer: offered, started, created, declined, never, cancelled, not_shown, failed; or withheld. */
  outcome: string | null
  reason: string | null
  /** The platform's own. */
  code: string | null
  passkey: string | null
  provider: string | null
  backup: string | null
  created_at: string | null
  activated_at: string | null
  /** asked, issued, done, skipped, no_contact; null where the login did not come to it, or need not. */
  otp: string | null
  codes_issued: number
  codes_failed: number
  code_failure: string | null
  /** asked, done, skipped, here. */
  pin: string | null
  /** asked, on, off, skipped, here. */
  biometrics: string | null
  biometrics_on_at: string | null
  /** Switched off on this installation, in this login or while it was signed in. */
  biometrics_off_at: string | null
  /** The step of the plan that it waits at, or was left at. */
  step: PlanStep | null
  /** running, completed, expired, or why it was ended. */
  status: string
  completed_at: string | null
  /** Of the newest event in this row. */
  last_at: string | null
}

const initial: LoginRow = {
  account: null, installation: null, settings: false, test: false, app: '', app_version: null, platform: '', os_version: null, entry_point: '', policy: '', variant: null,
  plan: '', started_at: null, identified: false, had_passkey: false, passkey_asked: false, proof: null, proved_at: null, fallback: null, used_passkey: null, strong: false,
  eligible: false, withheld: null, offer: null, offered_at: null, mode: null, starts: 0, outcome: null, reason: null, code: null, passkey: null, provider: null, backup: null,
  created_at: null, activated_at: null, otp: null, codes_issued: 0, codes_failed: 0, code_failure: null, pin: null, biometrics: null, biometrics_on_at: null,
  biometrics_off_at: null, step: null, status: 'running', completed_at: null, last_at: null,
}

/** Of a session (RFC 9562, version 5). Anything else that an account's event may be correlated with is none: an account's own id is of version 4. */
const isSession = (id: string): boolean => id[14] === '5'

export const adoptionLogins: Projection<LoginRow> = {
  name: 'adoption_logins',
  version: 1,
  prefixes: ['session-', 'account-'],
  key({ stream, type, data, metadata }) {
    if (stream.startsWith('session-')) return stream.slice('session-'.length)
    // What a login leaves in the account, or does to it while it is signed in, carries the login's id.
    const counts = type === 'PasskeyActivated' || (type === 'InstallationBiometricToggled' && data['enabled'] === false)
    return counts && isSession(metadata.$correlationId) ? metadata.$correlationId : undefined
  },
  initial: () => initial,
  evolve(row, event) {
    if (event.stream.startsWith('account-')) {
      const { type, at } = parseFact(accountEvents, event)
      return { ...row, ...(type === 'PasskeyActivated' ? { activated_at: row.activated_at ?? at } : { biometrics_off_at: at }), last_at: later(row.last_at, at) }
    }
    const fact = parseFact(sessionEvents, event)
    const after: LoginRow = { ...row, ...changed(row, fact) }
    after.last_at = later(row.last_at, fact.at)
    after.step = openStep(after)
    // Come to, whether or not anything is done about it.
    if (after.step !== null && after.step !== 'append') after[after.step] ??= 'asked'
    return after
  },
  // What most figures look at stands first, and before that what always has the same width: Postgres takes a row apart from its beginning.
  columns: {
    started_at: 'timestamptz', account: 'uuid', test: 'boolean', settings: 'boolean', identified: 'boolean', had_passkey: 'boolean', passkey_asked: 'boolean', eligible: 'boolean',
    strong: 'boolean', starts: 'integer', codes_issued: 'integer', codes_failed: 'integer', proved_at: 'timestamptz', proof: 'text', platform: 'text', offered_at: 'timestamptz', mode: 'text',
    created_at: 'timestamptz', outcome: 'text', offer: 'integer', variant: 'text', policy: 'text', os_version: 'text', app: 'text', app_version: 'text', entry_point: 'text',
    withheld: 'text', otp: 'text', pin: 'text', biometrics: 'text', completed_at: 'timestamptz', fallback: 'text', passkey: 'text', used_passkey: 'text', provider: 'uuid', reason: 'text',
    code: 'text', activated_at: 'timestamptz', biometrics_on_at: 'timestamptz', biometrics_off_at: 'timestamptz', backup: 'text', installation: 'uuid', code_failure: 'text',
    plan: 'text', step: 'text', status: 'text', last_at: 'timestamptz',
  },
  indexes: [
    ['started_at'],
    ['last_at'],
    { by: ['used_passkey'], present: 'used_passkey', with: ['account', 'test'] },
    // Looked up beside the logins that are asked for: when people were first offered a passkey, when they created one and what keeps it, what they switched off.
    { by: ['account', 'offered_at'], present: 'offered_at', with: ['mode', 'test'] },
    { by: ['account', 'passkey', 'created_at'], present: 'passkey', with: ['provider', 'mode', 'test'] },
    { by: ['installation', 'account'], present: 'biometrics_off_at', with: ['biometrics_off_at'] },
  ],
}

const later = (one: string | null, other: string): string => (one !== null && one > other ? one : other)

function changed(row: LoginRow, fact: Fact<SessionEvent>): Partial<LoginRow> {
  switch (fact.type) {
    case 'IdentifierEntered':
      return { ...begun(fact), account: fact.data.account, identified: true, had_passkey: fact.data.passkeys > 0 }
    case 'UsernamelessLoginStarted':
      return begun(fact)
    case 'SettingsEntered':
      return { ...begun(fact), account: fact.data.account, settings: true }
    case 'PasskeyRequested':
      return { passkey_asked: true }
    case 'PasskeyVerified': {
      const { account, passkey, userVerified, uvInitialized, test } = fact.data
      // That it signed in says that it was there, also where nobody was named at the start.
      return { ...proved('passkey', row, fact), account, used_passkey: passkey, had_passkey: true, strong: userVerified && uvInitialized, test: row.test || test === true }
    }
    case 'PasswordChosen':
      return { fallback: fact.data.reason }
    case 'PasswordVerified':
      return proved('password', row, fact)
    case 'AppendOffered': {
      const { offer, mode, entryPoint, variant, policy } = fact.data
      return { eligible: true, offer, mode, entry_point: entryPoint, variant, policy, offered_at: fact.at, outcome: 'offered' }
    }
    case 'AppendWithheld':
      return { eligible: mayBeOffered[fact.data.reason], withheld: fact.data.reason, policy: fact.data.policy, outcome: 'withheld' }
    case 'AppendStarted':
      return row.outcome === 'created' ? {} : { outcome: 'started', reason: null, code: null, starts: row.starts + 1 }
    case 'PasskeyAppended': {
      const { passkey, aaguid, backupEligible, backedUp } = fact.data
      const backup = backedUp ? 'backed_up' : backupEligible ? 'eligible' : 'device_bound'
      return { outcome: 'created', reason: null, code: null, passkey, provider: aaguid, backup, created_at: fact.at }
    }
    case 'AppendSkipped':
      return settled(row, fact.data.reason, null, null)
    case 'AppendCancelled':
      return settled(row, 'cancelled', fact.data.reason, fact.data.code)
    case 'AppendNotShown':
      return settled(row, 'not_shown', fact.data.reason, fact.data.code)
    case 'AppendFailed':
      return settled(row, 'failed', fact.data.reason, fact.data.code ?? null)
    case 'OtpIssued':
      return { otp: row.otp === 'done' ? 'done' : 'issued', codes_issued: row.codes_issued + 1 }
    case 'OtpDeliveryFailed':
      return { codes_failed: row.codes_failed + 1, code_failure: fact.data.reason }
    case 'OtpVerified':
      return { otp: 'done' }
    case 'OtpSkipped':
      return { otp: fact.data.reason === 'no_contact' ? 'no_contact' : 'skipped' }
    case 'PinSet':
      return { pin: 'done' }
    case 'PinSkipped':
      return { pin: 'skipped' }
    case 'BiometricToggled':
      return fact.data.enabled ? { biometrics: 'on', biometrics_on_at: fact.at } : { biometrics: 'off' }
    case 'BiometricSkipped':
      return { biometrics: 'skipped' }
    // The first end stands.
    case 'SessionCompleted':
      return row.status === 'running' ? { status: 'completed', completed_at: fact.at } : {}
    case 'SessionExpired':
      return row.status === 'running' ? { status: 'expired' } : {}
    case 'SessionEnded':
      return row.status === 'running' ? { status: fact.data.reason } : {}
    default:
      return {}
  }
}

type Begun = Extract<SessionEvent, { type: 'IdentifierEntered' | 'UsernamelessLoginStarted' | 'SettingsEntered' }>
type Proved = Extract<SessionEvent, { type: 'PasskeyVerified' | 'PasswordVerified' }>

function begun({ data, at }: Fact<Begun>): Partial<LoginRow> {
  const { app, appVersion = null, platform, osVersion = null, entryPoint, installation, plan, test = false } = data
  return { app, app_version: appVersion, platform, os_version: osVersion, entry_point: entryPoint, installation, policy: plan.policy, plan: shortPlan(plan), test, started_at: at }
}

const proved = (proof: Proof, { plan }: LoginRow, { data, at }: Fact<Proved>): Partial<LoginRow> => ({
  proof,
  proved_at: at,
  plan: data.mfa ? withCode(plan) : plan,
  pin: data.pinHere ? 'here' : null,
  biometrics: data.biometricsHere ? 'here' : null,
})

/** A passkey that was created stays created, whatever is reported later. */
const settled = (row: LoginRow, outcome: string, reason: string | null, code: string | null): Partial<LoginRow> =>
  row.outcome === 'created' ? {} : { outcome, reason, code }

/** Whether somebody of whom an offer was withheld for this reason could have been made one: the policy alone, or the moment, stood against it. */
export const mayBeOffered: Record<WithheldReason, boolean> = {
  switched_off: true,
  kill_switch: true,
  not_rolled_out: true,
  capped_lifetime: true,
  capped_in_a_row: true,
  capped_per_week: true,
  paused: true,
  cool_down: true,
  history_unavailable: true,
  has_passkey_here: false,
  never_again: false,
  not_supported: false,
  device_not_able: false,
  os_not_eligible: false,
  app_not_eligible: false,
  no_screen_lock: false,
  no_contact: false,
}
