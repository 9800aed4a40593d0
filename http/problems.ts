/** The only place that knows which HTTP status a code has (RFC 9457). */
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { AccessDenied, type AccessCode } from '../access/access-denied.ts'
import type { Outcome } from '../domain/session/decision.ts'
import type { Refusal } from '../domain/session/vocabulary.ts'
import type { FaultCode } from '../engine/faults.ts'
import { Fault } from '../engine/faults.ts'
import type { Problem, SessionAnswer } from '../mobile-contracts/answers.ts'
import { BadQuestion } from '../projections/adoption/question.ts'

type RequestFault = 'checkpoint_unknown' | 'proof_unknown' | 'malformed' | 'not_json' | 'too_large' | 'idempotency_key_missing' | 'token_missing' | 'not_found' | 'metric_unknown'
type Outage = 'busy' | 'log_unavailable' | 'log_outcome_unknown' | 'log_too_large' | 'unknown_event' | 'conflict' | 'forgotten' | 'identity_provider_unavailable' | 'figures_unavailable' | 'ledger_unavailable' | 'search_unavailable' | 'internal'
export type ProblemCode = Refusal | FaultCode | RequestFault | AccessCode | Outage

export const problems = {
  malformed: [400, 'The request does not have the form that it must have'],
  not_json: [415, 'The body must be application/json in UTF-8'],
  too_large: [413, 'The body is too large'],
  idempotency_key_missing: [400, 'This request takes an Idempotency-Key of 22 to 128 characters'],
  token_missing: [401, 'A bearer token is needed'],
  not_found: [404, 'There is nothing here'],
  metric_unknown: [404, 'There is no such metric'],
  operator_token_invalid: [401, 'The token is not that of somebody who may look here'],
  role_missing: [403, 'This takes a role that you do not have'],
  access_not_configured: [403, 'Nobody may look here: the configuration has no access'],
  identity_provider_unavailable: [503, 'The identity provider is out of reach'],
  checkpoint_unknown: [404, 'There is no such checkpoint'],
  proof_unknown: [404, 'There is no such event, or no such tree, or no checkpoint covers it yet'],
  ledger_unavailable: [503, 'The tree of the ledger is out of reach'],
  app_unknown: [400, 'No app of this name is registered'],
  identifier_malformed: [400, 'This is neither an e-mail address, nor a phone number with its country code, nor a username'],
  upgrade_required: [422, 'This version of the app cannot take a step that is required'],
  session_unknown: [404, 'There is no such session'],
  flow_token_invalid: [401, 'The flow token is not that of this session, or the session is completed'],
  access_token_invalid: [401, 'The access token is not valid'],
  refresh_token_invalid: [401, 'The refresh token is not valid'],
  session_over: [401, 'The signed-in session is over'],
  key_reused: [422, 'This Idempotency-Key was used for another request'],
  step_not_legal: [409, 'This step is not legal now'],
  challenge_used: [409, 'The challenge was used, or replaced by a newer one'],
  session_completed: [409, 'The login is completed'],
  session_expired: [410, 'The login was not finished in time'],
  session_ended: [410, 'The login has ended'],
  guessing_delayed: [429, 'Too many wrong guesses in a row: this one was not looked at'],
  factor_disabled: [403, 'It was guessed wrong too often and is disabled'],
  account_disabled: [403, 'The account is disabled'],
  no_contact: [403, 'A code is required and there is no contact that it could go to'],
  passkey_rejected: [403, 'The passkey was refused'],
  credential_unknown: [403, 'The account has no such passkey, or no longer: the device may forget it'],
  identifier_needed: [422, 'No passkey says who this is: start again with an identifier'],
  insufficient_user_authentication: [401, 'This takes a login of a moment ago, with a passkey if there is one'],
  backend_key_invalid: [401, 'The backend key is not valid'],
  account_unknown: [404, 'There is no such account'],
  passkey_unknown: [404, 'The account has no such passkey'],
  contact_unknown: [404, 'The account has no such contact'],
  contact_malformed: [400, 'This is no address of the channel: an e-mail address, or a phone number with its country code'],
  event_unknown: [404, 'There is no such event'],
  not_sealed: [422, 'There is nothing of this name here that may be opened'],
  identifier_taken: [409, 'There is an account with one of these identifiers'],
  password_unacceptable: [422, 'This cannot be a password'],
  password_rejected: [403, 'The password was refused'],
  otp_rejected: [403, 'The code was refused'],
  append_rejected: [422, 'The passkey was refused'],
  otp_resend_too_soon: [429, 'The next code may be asked for a little later'],
  otp_sends_exhausted: [429, 'No more codes are sent in this session'],
  otp_channel_unavailable: [422, 'The account has no contact of this kind'],
  delivery_failed: [503, 'The code could not be sent: ask for it again with a new key'],
  delivery_refused: [422, 'No code can be sent to this contact'],
  pin_too_weak: [422, 'The PIN is too simple, or not 4 to 12 digits'],
  pin_expected_here: [422, 'The PIN is kept by the server: send it'],
  pin_belongs_on_device: [422, 'The PIN is kept on the device: do not send it'],
  pin_rejected: [403, 'The PIN is wrong'],
  pin_locked: [403, 'The PIN is locked: sign in again'],
  pin_not_kept_here: [409, 'No PIN of this installation is kept here'],
  conflict: [409, 'The session changed while this was decided: ask for its state'],
  forgotten: [410, 'The account is gone'],
  busy: [503, 'Too many logins at once'],
  search_unavailable: [503, 'The rows of this search are out of reach'],
  figures_unavailable: [503, 'The figures cannot be read now'],
  log_unavailable: [503, 'The event log is out of reach'],
  log_outcome_unknown: [503, 'The event log did not answer: repeat the request with the same key'],
  log_too_large: [413, 'The request is too large to be kept'],
  unknown_event: [503, 'This session was written by a newer release'],
  internal: [500, 'This should not have happened'],
} as const satisfies Record<ProblemCode, readonly [ContentfulStatusCode, string]>

/** Seconds after which a 503 may be tried again, where nobody said otherwise. */
const retryAfterSeconds = 1

export type Detail = { detail?: string; reason?: string; retryable?: boolean; attemptsLeft?: number; retryAfterSeconds?: number; unknownCredentialId?: string; maxAgeSeconds?: number; account?: string }

export function problem(c: Context, code: ProblemCode, { retryAfterSeconds: after, ...detail }: Detail = {}, state: Partial<SessionAnswer> = {}): Response {
  const [status, title] = problems[code]
  c.set('problem', code)
  // Beside the header, for apps that show how long it takes.
  const told = status === 429 && after !== undefined ? { retryAfterSeconds: after } : {}
  const body: Problem = { type: `urn:keyledger:problem:${code}`, title, status, code, ...detail, ...told, ...state }
  const wait = after ?? (status === 503 && detail.retryable !== false ? retryAfterSeconds : undefined)
  if (wait !== undefined) c.header('Retry-After', String(wait))
  if (status === 401) c.header('WWW-Authenticate', challengeOf(code, detail))
  return c.body(JSON.stringify(body), status, { 'Content-Type': 'application/problem+json' })
}

/** RFC 6750, 3; RFC 9470, 3. `phr`: phishing-resistant, as a passkey is (OpenID Connect Extended Authentication Profile ACR Values). */
function challengeOf(code: ProblemCode, { reason, maxAgeSeconds }: Detail): string {
  if (code !== 'insufficient_user_authentication') return 'Bearer'
  const acr = reason === 'passkey_needed' ? ', acr_values="phr"' : ''
  return `Bearer error="insufficient_user_authentication", error_description="${problems[code][1]}"${acr}, max_age="${maxAgeSeconds}"`
}

export function refusal(c: Context, outcome: Extract<Outcome, { refused: Refusal }>, state: SessionAnswer): Response {
  const { refused, ...detail } = outcome
  return problem(c, refused, detail, state)
}

/** What was thrown: a fault of the request, an outage that says so, or an error of ours, which is told to `onError` alone. */
export function thrown(c: Context, error: unknown, onError: (error: unknown) => void): Response {
  if (error instanceof Fault) return problem(c, error.code, error.detail)
  if (error instanceof AccessDenied) return problem(c, error.code, error.role === undefined ? {} : { detail: error.role })
  if (error instanceof BadQuestion) return problem(c, 'malformed', { detail: `${error.field}: ${error.message}` })
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string' && Object.hasOwn(outages, code)) {
    const after = (error as Detail).retryAfterSeconds
    return problem(c, code as Outage, after === undefined ? {} : { retryAfterSeconds: after })
  }
  onError(error)
  return problem(c, 'internal')
}

const outages: Record<Exclude<Outage, 'internal'>, true> = {
  busy: true,
  log_unavailable: true,
  log_outcome_unknown: true,
  log_too_large: true,
  unknown_event: true,
  conflict: true,
  forgotten: true,
  identity_provider_unavailable: true,
  search_unavailable: true,
  ledger_unavailable: true,
  figures_unavailable: true,
}
