/** Every operation of the HTTP API, in one table: what it takes, what it answers, and the codes of its problems. `openapi.json` is made of it. */
import { z } from 'zod'
import type { Action } from '../domain/session/vocabulary.ts'
import { requestOf } from './actions.ts'
import * as adoption from './adoption.ts'
import * as answer from './answers.ts'
import * as audited from './audit.ts'
import * as published from './published.ts'
import * as request from './requests.ts'

export type Authorization = 'none' | 'flowToken' | 'accessToken' | 'backendKey' | 'refreshToken' | 'operatorToken'
export type Answer = { description: string; schema?: z.ZodType; type?: 'text/html' | 'text/plain' | 'text/csv'; headers?: readonly 'Location'[] }

export type Operation = {
  id: string
  /** For whom: apps, the company's backends, whoever runs the engine. */
  tag: 'app' | 'backend' | 'analyst' | 'operator'
  method: 'GET' | 'POST' | 'DELETE'
  path: string
  summary: string
  description?: string
  /** Any one of these will do. The refresh token stands in the body. */
  authorization: readonly Authorization[]
  /** It takes an Idempotency-Key. */
  keyed: boolean
  query?: readonly { name: string; description: string; schema: z.ZodType }[]
  /** Left out where nothing is needed. */
  body?: z.ZodType
  answers: Record<number, Answer>
  /** Codes of problems (RFC 9457). Their status is no business of the table. */
  problems: readonly string[]
}

type Own = Omit<Operation, 'id' | 'method' | 'path' | 'summary' | 'tag' | 'authorization' | 'keyed' | 'problems'> & { problems?: readonly string[] }
type Route = readonly [id: string, method: Operation['method'], path: string, summary: string]

const problemsOf: Record<Authorization, readonly string[]> = {
  none: [],
  flowToken: ['token_missing', 'flow_token_invalid'],
  // The keys that verify it may be due for renewal.
  accessToken: ['token_missing', 'access_token_invalid', 'session_over', 'log_outcome_unknown', 'conflict'],
  backendKey: ['token_missing', 'backend_key_invalid'],
  refreshToken: ['refresh_token_invalid', 'session_over'],
  operatorToken: ['token_missing', 'operator_token_invalid', 'role_missing', 'access_not_configured', 'identity_provider_unavailable'],
}
const reading = ['log_unavailable', 'unknown_event']
const writing = ['log_outcome_unknown', 'log_too_large', 'conflict', 'forgotten']

/** With the problems that follow from what a route reads, before and beside its own. */
function operation(tag: Operation['tag'], authorization: readonly Authorization[], [id, method, path, summary]: Route, { problems = [], ...own }: Own): Operation {
  const keyed = path.startsWith('/v1/') && method !== 'GET' && id !== 'signOut' && !authorization.includes('operatorToken')
  const all = [
    ...(method === 'POST' ? ['malformed', 'not_json', 'too_large'] : []),
    ...(keyed ? ['idempotency_key_missing', 'key_reused'] : []),
    ...authorization.flatMap((kind) => problemsOf[kind]),
    ...(path.startsWith('/v1/sessions/') ? ['session_unknown'] : []),
    ...(path.startsWith('/v1/accounts/{id}') ? ['account_unknown'] : []),
    ...problems,
    ...(path.startsWith('/v1/') ? [...reading, ...(method === 'GET' ? [] : writing)] : []),
    'internal',
  ]
  return { id, tag, method, path, summary, authorization, keyed, ...own, problems: [...new Set(all)] }
}

const state: Answer = { description: 'The state, and what is legal next.', schema: answer.SessionAnswer }
const account = (description: string): Record<number, Answer> => ({ 200: { description, schema: answer.AccountAnswer } })
const json = (description: string, schema: z.ZodType): Record<number, Answer> => ({ 200: { description, schema } })

/** Any step may be the last one of the login, or end it. */
const anyStep = [
  'step_not_legal', 'session_completed', 'session_expired', 'session_ended', 'session_over', 'account_disabled', 'no_contact', 'upgrade_required', 'app_unknown',
]
const stepUp = ['insufficient_user_authentication']

function step(id: string, action: Action, summary: string, own: Partial<Own> = {}): Operation {
  const { method, path } = requestOf[action]
  const route = [id, method, `/v1/sessions/{id}${path}`, summary] as const
  return operation('app', ['flowToken'], route, { answers: { 200: state }, ...own, problems: [...anyStep, ...(own.problems ?? [])] })
}
const app = (authorization: readonly Authorization[], route: Route, own: Own): Operation => operation('app', authorization, route, own)
const signedIn = (route: Route, own: Own): Operation => operation('app', ['accessToken'], route, own)
const backend = (route: Route, own: Own): Operation => operation('backend', ['backendKey'], route, own)
const audit = (route: Route, own: Own): Operation =>
  operation('operator', ['operatorToken'], route, { ...own, problems: ['malformed', ...(own.problems ?? []), 'log_outcome_unknown', 'conflict', 'forgotten'] })
const asOf = { name: 'asOf', description: 'Looks back from a revision of the stream, or from a time.', schema: z.string().optional() }
const open = (tag: 'backend' | 'operator', route: Route, own: Own): Operation => operation(tag, [], route, own)

const login: Operation[] = [
  app(['none', 'accessToken'], ['startSession', 'POST', '/v1/sessions', 'Starts a login'], {
    description: 'In the settings (`entryPoint`: `settings`) it carries the access token of who is signed in; otherwise no token.',
    body: request.StartBody,
    answers: { 201: { ...state, headers: ['Location'] } },
    problems: ['app_unknown', 'identifier_malformed', 'upgrade_required', 'no_contact', 'identifier_needed', ...stepUp],
  }),
  step('sendPasskey', 'passkey', 'Signs in with a passkey', {
    body: request.PasskeyBody,
    problems: ['passkey_rejected', 'credential_unknown', 'challenge_used', 'identifier_needed'],
  }),
  step('passkeyOptions', 'passkey_options', 'Asks for a passkey anew', { description: 'The answer has fresh `requestOptions`; those before are dead.' }),
  step('reportPasskey', 'passkey_report', 'Reports why the device brought no passkey', { body: request.ReportBody, problems: ['identifier_needed'] }),
  step('sendPassword', 'password', 'Signs in with the password', { body: request.PasswordBody, problems: ['password_rejected', 'guessing_delayed', 'factor_disabled', 'busy'] }),
  step('appendOptions', 'append_options', 'Takes the offer of a passkey', { description: 'The answer has `creationOptions`; those before are dead.' }),
  step('sendAppend', 'append', 'Sends the passkey that was created', { body: request.AppendBody, problems: ['append_rejected', 'challenge_used'] }),
  step('skipAppend', 'append_skip', 'Declines the offer', { description: "It was declined in the app's own screen.", body: request.AppendSkipBody }),
  step('reportAppend', 'append_report', 'Reports why the device created no passkey', { body: request.ReportBody }),
  step('sendCode', 'otp_send', 'Has a code sent', {
    body: request.OtpSendBody,
    problems: ['factor_disabled', 'otp_resend_too_soon', 'otp_sends_exhausted', 'otp_channel_unavailable', 'delivery_failed', 'delivery_refused'],
  }),
  step('verifyCode', 'otp', 'Gives the code', { body: request.OtpBody, problems: ['otp_rejected', 'guessing_delayed', 'factor_disabled'] }),
  step('skipCode', 'otp_skip', 'Passes the code over'),
  step('setPin', 'pin', 'Sets the PIN of this installation', { body: request.PinBody, problems: ['pin_too_weak', 'pin_expected_here', 'pin_belongs_on_device'] }),
  step('skipPin', 'pin_skip', 'Passes the PIN over'),
  app(['flowToken', 'accessToken'], ['setBiometrics', 'POST', '/v1/sessions/{id}/biometrics', 'Switches local biometrics on or off'], {
    description: 'During the login with the flow token, answered with the state; after it with the access token, answered with how it is now.',
    body: request.BiometricsBody,
    answers: json('The state, or after the login how it is now.', z.union([answer.SessionAnswer, answer.BiometricsAnswer])),
    problems: anyStep,
  }),
  step('skipBiometrics', 'biometrics_skip', 'Passes biometrics over'),
  app(['flowToken', 'accessToken'], ['getSession', 'GET', '/v1/sessions/{id}', 'Tells the state'], {
    query: [{ name: 'revision', description: 'The answer is at least as new as this revision.', schema: z.int().min(0).optional() }],
    answers: { 200: state },
  }),
]

const afterLogin: Operation[] = [
  app(['refreshToken'], ['refresh', 'POST', '/v1/sessions/{id}/refresh', 'Renews the tokens'], {
    description: 'The refresh token changes with each use. A lost answer is repeated to its key.',
    body: request.RefreshBody,
    answers: json('The new tokens.', answer.RefreshAnswer),
    problems: ['pin_locked'],
  }),
  signedIn(['unlock', 'POST', '/v1/sessions/{id}/unlock', 'Gives the PIN where the engine keeps it'], {
    body: request.UnlockBody,
    answers: json('The PIN was right.', answer.UnlockAnswer),
    problems: ['pin_rejected', 'pin_locked', 'pin_not_kept_here'],
  }),
  app(['flowToken', 'accessToken'], ['signOut', 'DELETE', '/v1/sessions/{id}', 'Signs out, or leaves a login that is not finished'], {
    query: [{ name: 'everywhere', description: 'Every session of the account that was signed in before ends too.', schema: z.boolean().optional() }],
    answers: { 204: { description: 'The session is over.' } },
  }),
  signedIn(['listPasskeys', 'GET', '/v1/passkeys', "Lists the person's passkeys"], { answers: json('The passkeys, and `signals` for the device.', answer.PasskeysAnswer) }),
  signedIn(['renamePasskey', 'POST', '/v1/passkeys/{id}/name', 'Names a passkey'], {
    body: request.PasskeyNameBody,
    answers: json('The passkeys, and `signals` for the device.', answer.PasskeysAnswer),
    problems: ['passkey_unknown'],
  }),
  signedIn(['removePasskey', 'DELETE', '/v1/passkeys/{id}', 'Removes a passkey'], {
    description: 'Takes a login of the last five minutes, by passkey if one is active (RFC 9470).',
    answers: json('The passkeys that are left, and `signals` for the device.', answer.PasskeysAnswer),
    problems: ['passkey_unknown', ...stepUp],
  }),
  signedIn(['listContacts', 'GET', '/v1/account/contacts', "Lists the person's contacts"], { answers: json('The contacts.', answer.OwnAccountAnswer) }),
  signedIn(['replaceContact', 'POST', '/v1/account/contacts', 'Changes the contact of a channel'], {
    description: 'Takes a login of the last five minutes, by passkey if one is active (RFC 9470).',
    body: request.ContactBody,
    answers: json('The contacts.', answer.OwnAccountAnswer),
    problems: ['contact_malformed', ...stepUp],
  }),
  signedIn(['changePassword', 'POST', '/v1/account/password', 'Sets a new password'], {
    description: 'Ends every session of the account, this one too. Takes a login of the last five minutes, by passkey if one is active (RFC 9470).',
    body: request.OwnPasswordBody,
    answers: json('The contacts.', answer.OwnAccountAnswer),
    problems: ['password_unacceptable', 'busy', ...stepUp],
  }),
]

const service: Operation[] = [
  backend(['createAccount', 'POST', '/v1/accounts', 'Creates an account'], {
    body: request.NewAccountBody,
    answers: { 201: { description: 'The account.', schema: answer.AccountAnswer, headers: ['Location'] } },
    problems: ['identifier_malformed', 'contact_malformed', 'password_unacceptable', 'identifier_taken', 'busy'],
  }),
  backend(['importAccounts', 'POST', '/v1/accounts/import', 'Creates up to 100 accounts'], {
    description: 'Each on its own: what is wrong with one does not hold up the others.',
    body: request.ImportBody,
    answers: json('What became of each.', answer.ImportAnswer),
    problems: ['busy'],
  }),
  backend(['findAccount', 'POST', '/v1/accounts/find', 'Finds an account by an identifier'], {
    body: request.FindBody,
    answers: account('The account.'),
    problems: ['account_unknown'],
  }),
  backend(['getAccount', 'GET', '/v1/accounts/{id}', 'Tells what is known of an account'], { answers: account('The account.') }),
  backend(['exportAccount', 'GET', '/v1/accounts/{id}/export', 'Gives everything that is kept of a person, for that person'], {
    description: 'GDPR, art. 15. That it was asked for is a fact before anything is opened.',
    query: [{ name: 'why', description: 'The reason that is kept with it, 3 to 512 characters, such as the number of a ticket; never who the person is.', schema: z.string().optional() }],
    answers: json('What is kept.', answer.ExportAnswer),
    problems: ['malformed', ...writing],
  }),
  backend(['setPassword', 'POST', '/v1/accounts/{id}/password', 'Sets a password, or the hash of one'], {
    description: 'Ends every session of the account.',
    body: request.SetPasswordBody,
    answers: account('The account, with its passkeys on file.'),
    problems: ['password_unacceptable', 'busy'],
  }),
  backend(['setMfa', 'POST', '/v1/accounts/{id}/mfa', 'Demands a second factor, or no longer'], { body: request.MfaBody, answers: account('The account.') }),
  backend(['disableAccount', 'POST', '/v1/accounts/{id}/disable', 'Disables an account'], { answers: account('The account, which nobody can sign in to.') }),
  backend(['enableAccount', 'POST', '/v1/accounts/{id}/enable', 'Enables an account again'], { answers: account('The account.') }),
  backend(['endSessions', 'POST', '/v1/accounts/{id}/sessions/end', 'Ends every session of an account'], { answers: account('The account.') }),
  backend(['addContact', 'POST', '/v1/accounts/{id}/contacts', 'Adds a contact'], {
    body: request.ContactBody,
    answers: account('The account.'),
    problems: ['contact_malformed'],
  }),
  backend(['removeContact', 'DELETE', '/v1/accounts/{id}/contacts/{contact}', 'Removes a contact'], { answers: account('The account.'), problems: ['contact_unknown'] }),
  backend(['removeAccountPasskey', 'DELETE', '/v1/accounts/{id}/passkeys/{passkey}', 'Removes a passkey of somebody who lost the device'], {
    answers: account('The account.'),
    problems: ['passkey_unknown'],
  }),
  backend(['eraseAccount', 'POST', '/v1/accounts/{id}/erase', 'Forgets a person'], {
    answers: {
      200: { description: 'Nothing of the person can be read any more.', schema: answer.EraseAnswer },
      202: { description: 'The person is refused everywhere; repeat the request.', schema: answer.EraseAnswer },
    },
  }),
]

const association = (id: string, file: string, summary: string, schema: z.ZodType): Operation =>
  open('operator', [id, 'GET', `/.well-known/${file}`, summary], { answers: json('For the domain that the request names as its host.', schema), problems: ['not_found'] })

const analysts = (route: Route, own: Own): Operation => operation('analyst', ['operatorToken'], route, { ...own, problems: ['figures_unavailable', ...(own.problems ?? [])] })
const figures: Operation[] = [
  analysts(['listMetrics', 'GET', '/v1/adoption', 'The metrics that there are, and what they mean'], { answers: json('The metrics.', adoption.AdoptionCatalogue) }),
  analysts(['getMetric', 'GET', '/v1/adoption/{metric}', 'The figures of a metric'], {
    description: 'As JSON, or as CSV where `Accept` or `format` asks for it. Takes the role of an analyst.',
    query: adoption.adoptionQuery,
    answers: { 200: { description: 'The figures, and what they mean.', schema: adoption.AdoptionAnswer, type: 'text/csv' } },
    problems: ['malformed', 'metric_unknown'],
  }),
]

const others: Operation[] = [
  operation('operator', ['operatorToken'], ['getAccess', 'GET', '/v1/access', 'Who asks, and what they may see'], {
    answers: json('Somebody with a role, or with none.', answer.AccessAnswer),
  }),
  audit(['listCheckpoints', 'GET', '/v1/audit/checkpoints', 'What was signed of the log'], {
    description: 'A hundred at most: the newest, or those from `from` on.',
    query: [{ name: 'from', description: 'The number of the first one.', schema: z.int().min(0).optional() }],
    answers: json('Checkpoints, the oldest first, and the keys that they are signed by.', answer.CheckpointsAnswer),
  }),
  audit(['getCheckpoint', 'GET', '/v1/audit/checkpoints/{number}', 'One checkpoint'], {
    answers: json('The checkpoint.', answer.CheckpointAnswer),
    problems: ['checkpoint_unknown'],
  }),
  audit(['proveInclusion', 'GET', '/v1/audit/proofs/inclusion', 'Proves that an event is what was signed'], {
    query: [
      { name: 'stream', description: 'Such as `session-<id>`.', schema: z.string() },
      { name: 'revision', description: 'Of the event in its stream, from 0.', schema: z.int().min(0) },
      { name: 'size', description: 'Of the tree: that of a checkpoint. Left out: the newest.', schema: z.int().min(1).optional() },
    ],
    answers: json('The proof.', answer.InclusionAnswer),
    problems: ['malformed', 'proof_unknown', 'ledger_unavailable'],
  }),
  audit(['proveConsistency', 'GET', '/v1/audit/proofs/consistency', 'Proves that one checkpoint extends another'], {
    query: [
      { name: 'from', description: 'The size of the smaller tree.', schema: z.int().min(1) },
      { name: 'to', description: 'The size of the larger one.', schema: z.int().min(1) },
    ],
    answers: json('The proof.', answer.ConsistencyAnswer),
    problems: ['malformed', 'proof_unknown', 'ledger_unavailable'],
  }),
  audit(['replaySession', 'GET', '/v1/audit/sessions/{id}', 'Replays a login, step by step'], {
    query: [asOf],
    answers: json('The timeline.', audited.SessionReplayAnswer),
    problems: ['session_unknown'],
  }),
  audit(['replayAccount', 'GET', '/v1/audit/accounts/{id}', "A person's passkeys, logins, offers and changes"], {
    query: [asOf],
    answers: json('The timeline.', audited.AccountReplayAnswer),
    problems: ['account_unknown'],
  }),
  audit(['findAudited', 'POST', '/v1/audit/accounts/find', 'Finds an account by an identifier'], {
    description: 'Whose pseudonym it is becomes known by it: that it was asked, and why, is a fact before the answer.',
    body: request.FindAccountBody,
    answers: json('The account.', audited.FoundAccountAnswer),
    problems: ['account_unknown'],
  }),
  audit(['searchLog', 'GET', '/v1/audit/search', 'Looks for logins, and for events'], {
    description: 'Without `type` and `reason`: logins that began within the period. With one of them: events.',
    query: [
      { name: 'from', description: 'The first moment that counts: a day of UTC, or a moment.', schema: z.string().optional() },
      { name: 'to', description: 'The first moment that no longer counts.', schema: z.string().optional() },
      { name: 'type', description: 'The name of an event.', schema: z.string().optional() },
      { name: 'outcome', description: 'What the login came to, or what became of its offer.', schema: z.string().optional() },
      { name: 'reason', description: 'Of an event.', schema: z.string().optional() },
      { name: 'app', description: 'The app of the login.', schema: z.string().optional() },
      { name: 'platform', description: 'The platform of the login.', schema: z.string().optional() },
      { name: 'limit', description: 'How many are looked for; 50 without it.', schema: z.int().min(1).max(200).optional() },
      { name: 'after', description: '`after` of the page before.', schema: z.string().optional() },
    ],
    answers: json('A page.', audited.SearchAnswer),
    problems: ['search_unavailable'],
  }),
  audit(['look', 'POST', '/v1/audit/looks', 'Opens what is sealed in one event'], {
    description: 'Takes the role that the configuration names. That it was looked, by whom and why, is a fact before the answer.',
    body: request.LookBody,
    answers: json('What was sealed.', audited.LookAnswer),
    problems: ['event_unknown', 'not_sealed'],
  }),
  open('backend', ['getSigningKeys', 'GET', '/.well-known/jwks.json', 'The keys that verify access tokens'], {
    answers: json('The keys.', published.JsonWebKeys),
    problems: [...reading, 'log_outcome_unknown', 'conflict'],
  }),
  association('getAppleAppSiteAssociation', 'apple-app-site-association', 'The iOS apps of a domain', published.AppleAppSiteAssociation),
  association('getAssetLinks', 'assetlinks.json', 'The Android apps of a domain', published.AssetLinks),
  association('getRelatedOrigins', 'webauthn', 'The other origins of a domain', published.RelatedOrigins),
  open('operator', ['getLiveness', 'GET', '/health/live', 'Whether the engine runs'], { answers: json('It does.', published.Liveness) }),
  open('operator', ['getReadiness', 'GET', '/health/ready', 'Whether the engine can do its work'], {
    answers: { ...json('It can.', published.Readiness), 503: { description: 'It cannot.', schema: published.Readiness } },
  }),
  open('operator', ['getMetrics', 'GET', '/metrics', 'What is counted and measured'], {
    description: 'Takes the bearer token that the engine was given for it, if it was given one.',
    answers: { 200: { description: 'The text format of Prometheus.', type: 'text/plain' } },
    problems: ['token_missing'],
  }),
  open('operator', ['getOpenApi', 'GET', '/openapi.json', 'This document'], { answers: json('OpenAPI 3.1.', z.looseObject({})) }),
  open('operator', ['getReference', 'GET', '/reference', 'This document, for people'], { answers: { 200: { description: 'A page.', type: 'text/html' } } }),
]

export const operations: readonly Operation[] = [...login, ...afterLogin, ...service, ...figures, ...others]
