/** What most stories share: the parts of a login that goes well, and what the log and its readers must say in the end. */
import assert from 'node:assert/strict'
import type { AccountEvent } from '../domain/account/events.ts'
import type { SessionEvent } from '../domain/session/events.ts'
import type { TokensEvent } from '../domain/session/tokens.ts'
import type { Body, Client, Reply } from './app.ts'
import type { Person, Stage } from './stage.ts'

export type Story = [sentence: string, run: (stage: Stage) => Promise<void>]

/** The answer to a request that must have been taken. */
export function taken({ status, body }: Reply): Body {
  assert.ok(status === 200 || status === 201, `${status} ${body.code} ${body.reason ?? body.detail ?? ''}`)
  return body
}

/** A request that must have been refused, and how. */
export function refused({ status, body }: Reply, expected: { status: number; code: string; reason?: string }): Body {
  assert.deepEqual({ status, code: body.code, ...(expected.reason === undefined ? {} : { reason: body.reason }) }, expected)
  return body
}

export const legal = (app: Client): string[] => (app.latest.next ?? []).map(({ action }) => action)

export async function signIn(app: Client, { email, password }: Pick<Person, 'email' | 'password'>): Promise<Body> {
  taken(await app.start(email))
  return taken(await app.password(password))
}

export async function giveCode(stage: Stage, app: Client, { email }: Pick<Person, 'email'>): Promise<Body> {
  taken(await app.otpSend('email'))
  return taken(await app.otp(stage.codeFor(email)))
}

/** PIN and biometrics are passed over, and so the login completes. */
export async function finish(app: Client): Promise<Body> {
  taken(await app.pinSkip())
  const body = taken(await app.biometricsSkip())
  assert.equal(body.session?.status, 'completed')
  return body
}

export const firstLoginTells = [
  'IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendStarted', 'PasskeyAppended',
  'OtpIssued', 'OtpSent', 'OtpVerified', 'PinSet', 'BiometricToggled', 'SessionCompleted',
] as const
/** What it leaves in the account. */
export const firstLoginLeaves = ['PasskeyLinked', 'PasskeyActivated', 'InstallationPinSet', 'InstallationBiometricToggled'] as const

/** A first login with all that can be set up: passkey, code, PIN and biometrics. */
export async function firstLogin(stage: Stage, app: Client, ada: Person): Promise<Body> {
  await signIn(app, ada)
  taken(await app.createPasskey(ada.phone))
  await giveCode(stage, app, ada)
  taken(await app.pin())
  return taken(await app.biometrics(true))
}

/** These facts stand in the session's stream, these alone and in this order; and its row says what the last answer said. */
export async function tells(stage: Stage, app: Client, ...types: SessionEvent['type'][]): Promise<void> {
  const { session } = app
  assert.deepEqual(typesOf(await stage.events(`session-${session}`)), types)
  assert.equal(app.latest.session?.revision, types.length - 1)

  await stage.projected()
  const answered = publicState(app.latest)
  const row = await stage.readModel.session(session, types.length - 1)
  assert.equal(row?.revision, types.length - 1)
  assert.deepEqual(publicState(taken(await app.state())), answered)
}

/** What followed the registration of a person with one identifier. */
export async function accountTells(stage: Stage, { account }: Person, ...types: AccountEvent['type'][]): Promise<void> {
  assert.deepEqual(typesOf(await stage.events(`account-${account}`)), ['AccountRegistered', 'PasswordSet', 'ContactAdded', ...types])
}

export async function tokensTell(stage: Stage, app: Client, ...types: TokensEvent['type'][]): Promise<void> {
  assert.deepEqual(typesOf(await stage.events(`tokens-${app.session}`)), types)
}

const typesOf = (events: readonly { type: string }[]): string[] => events.map(({ type }) => type)

/** Without what only one answer has: the seconds left at that moment, options, signals, tokens, and the problem. */
function publicState({ session, next, assertion, offer, passkey, otp, pin, biometrics }: Body) {
  return { session: { ...session, secondsLeft: undefined }, next, assertion, offer, passkey, otp, pin, biometrics }
}
