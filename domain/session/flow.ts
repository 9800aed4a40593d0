/**
 * The whole login on one page: which step comes next, and what is legal in it.
 *
 *   start: identifier entered          start: no identifier              start: settings, by somebody who is signed in
 *     |                                  (a passkey says who it is)                          |
 *     | the account has a passkey, or      |                                                 |
 *     | who has an account is hidden       |                                                 |
 *   passkey <------------------------------+                                                 |
 *     | not there, dismissed, refused: twice, and it is asked for no more                    |
 *     |   (without an identifier the login ends here: start one with it)                     |
 *   password --------- wrong --> password again, until the session ends                      |
 *     |                                                                                      |
 *     +--------------------------------------------------------------------------------------+
 *     |
 *   append   --------- withheld | declined | never again | dismissed | not shown | failed -----+
 *     |  offered -> options -> the system's prompt -> passkey created and linked (pending)      |
 *     |                                                                                         |
 *   otp        code sent -> code verified (passkey active)                                    otp
 *   pin        set | passed over                                                              pin
 *   biometrics on, off | passed over                                                   biometrics
 *     |                                                                                         |
 *   completed: tokens issued                                                             completed
 *
 * The order of the four middle steps and what each demands in either branch is the plan's. An account marked MFA has `otp` before `append`;
 * a passkey with user verification is both factors, so no code is asked then. Settings have the offer alone, and give no tokens.
 */
import { supportsStep, type Branch, type Plan } from '../policy.ts'
import type { SessionView } from './state.ts'
import { signedInActions, type Action, type PlanStep, type Requirement, type SignedInAction, type Step } from './vocabulary.ts'

/** How long and how often, where the design gives a number. */
export const limits = { refusals: 30, passkeyFailures: 2, passkeyRequests: 5, appendStarts: 3, otpSends: 5, otpAttempts: 5, otpSeconds: 300, otpResendSeconds: 30, ceremonySeconds: 300 } as const

/** What an app may do in each step. The ones that a policy made optional add their `_skip`. */
const legalIn: Record<Step, (view: SessionView) => Action[]> = {
  // Step 2, where the account has a passkey or nobody is named yet: the options came with the state, and the password is the way out.
  passkey: (view) => [
    ...only(view.assertion.outcome === 'requested', 'passkey'),
    ...only(view.assertion.requests < limits.passkeyRequests, 'passkey_options'),
    ...only(view.assertion.outcome === 'requested', 'passkey_report'),
    ...only(mayUsePassword(view), 'password'),
  ],

  // Steps 1 and 2: the identifier is known, the account has no passkey, or it could not be used: the password.
  password: (view) => only(mayUsePassword(view), 'password'),

  // Step 3, 4a, 4b, 5: offered; options taken; then the prompt ends in a passkey, in a report of what happened instead, or in a no.
  append: ({ append }) =>
    append.outcome === 'started' ? ['append', 'append_report', 'append_skip', ...again(append)] : ['append_options', 'append_skip', 'append_report'],

  // Step 4c, 4d (5a, 5b): a code is sent, and comes back.
  otp: (view) => [
    ...only(view.otp.issues < limits.otpSends, 'otp_send'),
    ...only(view.otp.issues > 0 && view.otp.wrong < limits.otpAttempts, 'otp'),
    ...only(requirement(view, 'otp') === 'optional', 'otp_skip'),
  ],

  // Step 4e (5c): an app PIN.
  pin: (view) => ['pin', ...only(requirement(view, 'pin') === 'optional', 'pin_skip')],

  // Step 4f (5d): local biometrics, on or off.
  biometrics: (view) => ['biometrics', ...only(requirement(view, 'biometrics') === 'optional', 'biometrics_skip')],
}

/** The step that the login is at: the first one of the plan that is not yet satisfied; undefined when nothing is left to do. */
export function currentStep(view: SessionView): Step | undefined {
  if (view.proof === null) return asksForPasskey(view) ? 'passkey' : 'password'
  return view.plan.order.find((step) => !satisfied(view, step))
}

/** Everything that is legal now, the current step's first. Nothing is legal in a session that is over. */
export function legalActions(view: SessionView, now: string): Action[] {
  const step = currentStep(view)
  if (view.status !== 'running' || now >= view.expiresAt || !step) return []
  const legal = legalIn[step](view)
  // A prompt that was dismissed or failed in passing may be tried again while the login goes on.
  if (view.append.retryable) legal.push(...again(view.append))
  // Whatever a policy says: nothing is appended before the factor that the account itself demands (NIST SP 800-63B-4, 4.1.2.1).
  return view.mfa && !isMfa(view) ? legal.filter((action) => !action.startsWith('append')) : legal
}

/** What is legal once a login is completed, with tokens. A PIN is given here only where it is kept here. */
export const signedInNext = ({ plan, purpose }: SessionView): readonly SignedInAction[] =>
  purpose === 'settings' ? [] : signedInActions.filter((action) => action !== 'unlock' || plan.pinKeptOn === 'server')

/** Whether a passkey may sign in now: there is one, as far as is known or told, and it has not failed too often. */
const asksForPasskey = ({ usernameless, hidden, passkeys, supports, assertion }: SessionView): boolean =>
  (usernameless || hidden || passkeys > 0) &&
  supportsStep(supports, 'passkey') &&
  assertion.failures < limits.passkeyFailures &&
  (assertion.outcome === 'requested' || (assertion.retryable && assertion.requests < limits.passkeyRequests))

/** The account demands a code after the password, and there is no contact that it could go to. */
export const lacksContact = ({ account, contacts, plan, otp }: SessionView): boolean =>
  account !== null && contacts.length === 0 && otp.outcome !== 'verified' && plan.withoutPasskey.otp === 'required'

/** That no code could be sent is told before a proof only where it may be told that there is an account. */
export const passwordIsInVain = (view: SessionView): boolean => !view.hidden && lacksContact(view)

const mayUsePassword = (view: SessionView): boolean => !view.usernameless && !passwordIsInVain(view)

/** The second factor that an account demands was given: a code, or a passkey that verified its user. */
const isMfa = ({ otp, assertion }: SessionView): boolean => otp.outcome === 'verified' || assertion.mfa

const satisfied = (view: SessionView, step: PlanStep): boolean => {
  const demand = step === 'append' ? undefined : requirement(view, step)
  switch (step) {
    case 'append':
      return !['due', 'offered', 'started'].includes(view.append.outcome)
    case 'otp':
      return demand === 'off' || view.otp.outcome === 'verified' || (demand === 'optional' && view.otp.outcome === 'skipped')
    case 'pin':
      return demand === 'off' || view.pin === 'here' || view.pin === 'set' || (demand === 'optional' && view.pin === 'skipped')
    case 'biometrics':
      return (
        demand === 'off' || ['here', 'on', 'off'].includes(view.biometrics) || (demand === 'optional' && view.biometrics === 'skipped')
      )
  }
}

/** What the plan demands of a step. Of a login by password the offer's outcome decides the branch; until then the stricter of the two counts. */
export function requirement({ plan, append, proof, assertion }: SessionView, step: keyof Branch): Requirement {
  if (step === 'otp' && assertion.mfa) return 'off'
  if (proof === 'passkey') return plan.withPasskey[step]
  if (append.outcome === 'appended') return plan.withPasskey[step]
  if (['due', 'offered', 'started'].includes(append.outcome)) return stricter(plan, step)
  return plan.withoutPasskey[step]
}

/** A passkey made in this login is active once every code that the plan requires was given (design: section 8). */
export const passkeyStatus = (view: SessionView): 'pending' | 'active' | undefined =>
  view.passkey === null ? undefined : requirement(view, 'otp') === 'required' && view.otp.outcome !== 'verified' ? 'pending' : 'active'

const strictness: Record<Requirement, number> = { off: 0, optional: 1, required: 2 }
const stricter = ({ withPasskey, withoutPasskey }: Plan, step: keyof Branch): Requirement =>
  strictness[withPasskey[step]] >= strictness[withoutPasskey[step]] ? withPasskey[step] : withoutPasskey[step]

const only = (condition: boolean, action: Action): Action[] => (condition ? [action] : [])
const again = ({ starts }: SessionView['append']): Action[] => only(starts < limits.appendStarts, 'append_options')
