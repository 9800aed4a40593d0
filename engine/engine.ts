/** Keyledger without its surroundings: everything it needs from outside is an argument. */
import { done } from '../domain/account/decision.ts'
import { decideBiometricSwitch } from '../domain/account/installations.ts'
import type { OfferHistory } from '../domain/policy/history.ts'
import { decideBiometrics, decideBiometricsSkip } from '../domain/session/biometrics.ts'
import { decideSignOut } from '../domain/session/end.ts'
import type { PasswordGiven } from '../domain/session/password.ts'
import type { Channel, Platform, SkipReason } from '../domain/session/vocabulary.ts'
import type { Carrier } from '../delivery/delivery.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import { createStreams, type Streams } from '../eventlog/transact.ts'
import { createOtp } from '../factors/otp.ts'
import type { Passwords } from '../factors/password.ts'
import { createPins } from '../factors/pin.ts'
import type { MasterKeySource } from '../vault/masters.ts'
import { hmac } from '../vault/sealing.ts'
import { createSigningKeys } from '../vault/signing-keys.ts'
import { openVault } from '../vault/vault.ts'
import { createAccountCommands } from './account-commands.ts'
import { createAccountChanges, type Request } from './account-changes.ts'
import { createAccountView } from './account-view.ts'
import { createAccounts } from './accounts.ts'
import { createActs } from './acts.ts'
import { createAdministration } from './administration.ts'
import { createAppendSteps } from './append.ts'
import type { Settings } from './apps.ts'
import type { Reachable } from './contacts.ts'
import { Fault } from './faults.ts'
import { createGuessedProof } from './guessed-proof.ts'
import type { GuessCounter } from './guess-counter.ts'
import { createGuesses } from './guesses.ts'
import { createKeyRotation } from './key-rotation.ts'
import { createLedger } from './ledger.ts'
import { createAuditedSearch, createLooks } from './looks.ts'
import { createNotices } from './notices.ts'
import { createOtpSteps } from './otp.ts'
import { createOwnAccount } from './own-account.ts'
import { createOwnPasskeys } from './own-passkeys.ts'
import { createPasskeySteps } from './passkey.ts'
import { openPasswordFormats } from './password-formats.ts'
import { createPasswordStep } from './password.ts'
import { createPersonExports, type SessionsOf } from './person-export.ts'
import { createPeriods } from './periods.ts'
import { createPinSteps } from './pin.ts'
import { createPolicies } from './policies.ts'
import { createStart, type StartRequest } from './start.ts'
import { answerOf, createStep, flowTokenMatches, repeatSeconds, sessions, sessionStream, type Answer, type Step, type StepRequest } from './step.ts'
import { createTokens, type Access } from './tokens.ts'

export type EngineDependencies = {
  log: EventLog
  masterKeys: MasterKeySource
  passwords: Passwords
  deliver: Carrier
  /** The channels that `deliver` has a carrier for. */
  reachable: Reachable
  settings: () => Settings
  /** What became of the offers that an account was made so far; 'unavailable' while the projection is out of reach or too far behind. */
  history: (account: string) => Promise<OfferHistory | 'unavailable'>
  /** Left out: they are looked for in the log. */
  sessionsOf?: SessionsOf | undefined
  /** Counts guesses for all engines; without it each counts for itself. */
  guessCounter?: GuessCounter | undefined
  now: () => Date
  newId: () => string
  randomBytes: (size: number) => Uint8Array
  /** Told of work that failed after its answer was given, such as a rehash. */
  onBackgroundError?: (error: unknown) => void
  /** Stands around every step of a login and of a signed-in session. */
  observe?: ObserveStep
  /** Told of every decision that is made again since another writer was faster. */
  onRetry?: () => void
}

/** `session`: where it is known before. */
export type ObserveStep = <T>(step: { action: string; session?: string }, take: () => Promise<T>) => Promise<T>

export type Engine = Awaited<ReturnType<typeof createEngine>>

/** @throws Unavailable while the log is; WrongMasterKey */
export async function createEngine(dependencies: EngineDependencies) {
  const { log, masterKeys, passwords, deliver, settings, history, sessionsOf = async () => 'unavailable', guessCounter, now, newId, randomBytes, onBackgroundError = () => {}, observe = (_, take) => take(), onRetry = () => {} } = dependencies
  const reachable: Reachable = { has: (channel) => dependencies.reachable.has(channel) && settings().policy.codesBy.includes(channel) }
  const streams: Streams = createStreams({ log, now, newId, onRetry })
  const vault = await openVault({ streams, masterKeys })
  const signingKeys = createSigningKeys({ streams, vault, now })
  const fingerprintSecret = vault.secret('fingerprints')
  const tokens = createTokens({ streams, signingKeys, settings, refreshSecret: vault.secret('refresh tokens'), fingerprintSecret, now, newId })

  const background = new Set<Promise<unknown>>()
  const inBackground = (work: Promise<unknown>): void => {
    const running = work.catch(onBackgroundError).finally(() => background.delete(running))
    background.add(running)
  }

  const guesses = createGuesses({ shared: guessCounter, secret: vault.secret('guesses'), now, inBackground })
  const formats = await openPasswordFormats({ streams, now, inBackground })
  const registry = createAccounts({ streams, vault, passwords, formats, guesses, inBackground, newId })
  const [changes, view] = [createAccountChanges({ streams, guesses }), createAccountView({ vault })]
  const act = createActs({ streams, newId })
  const commands = createAccountCommands({ vault, view, passwords, formats, newId })

  const takeStep = createStep({ streams, vault, settings, history, tokensOf: tokens, guessed: createGuessedProof({ streams, guesses }), now })
  const take = <V>(step: Step<V>, request: StepRequest): Promise<Answer> => observe({ action: step.action, session: request.session }, () => takeStep(step, request))
  const passkey = createPasskeySteps({ streams, reachable, settings, randomBytes, now, inBackground })
  const start = createStart({ streams, vault, tokensOf: tokens, passkeyRequest: passkey.request, settings, reachable, history, fingerprintSecret, now })
  const password = createPasswordStep({ streams, vault, passwords, formats, reachable, inBackground })
  const append = createAppendSteps({ streams, vault, settings, randomBytes, now })
  const otp = createOtpSteps({ streams, vault, otp: createOtp(vault.secret('codes')), deliver, settings, now })
  const pin = createPinSteps({ streams, vault, pins: createPins(vault.secret('pins')) })
  const biometrics = (enabled: boolean): Step<boolean> => ({
    action: 'biometrics',
    judge: async () => enabled,
    decide: decideBiometrics,
    leaves: () => ({ biometrics: enabled }),
  })
  const biometricsSkip: Step<undefined> = {
    action: 'biometrics_skip',
    judge: async () => undefined,
    decide: (state, _, circumstances) => decideBiometricsSkip(state, circumstances),
  }

  return {
    streams,
    vault,
    signingKeys,
    ledger: createLedger({ streams, vault, now }),
    settings,
    accounts: registry,
    act,
    look: createLooks({ streams, vault, act }),
    findAudited: createAuditedSearch({ accounts: registry, act }),
    keyRotation: createKeyRotation({ streams, vault }),
    dropPeriods: createPeriods({ streams, vault, now }),
    exportPerson: createPersonExports({ streams, vault, view, sessionsOf, act }),
    policies: createPolicies({ streams, newId }),
    administration: createAdministration({ streams, vault, accounts: registry, changes, commands, view }),

    start: (request: StartRequest) => observe({ action: 'start' }, () => start(request)),
    passkey: (request: StepRequest, response: unknown) => take(passkey.verify(response), request),
    passkeyOptions: (request: StepRequest) => take(passkey.options, request),
    passkeyReport: (request: StepRequest, platform: Platform, code: string) => take(passkey.report(platform, code), request),
    requestOptions: passkey.requestOptions,
    password: (request: StepRequest, typed: string, given: PasswordGiven = {}) => take(password(typed, given), request),
    appendOptions: (request: StepRequest) => take(append.options, request),
    append: async (request: StepRequest, response: unknown) => append.namingUnknown(await take(append.append(response), request), response),
    appendSkip: (request: StepRequest, reason: SkipReason) => take(append.skip(reason), request),
    appendReport: (request: StepRequest, platform: Platform, code: string) => take(append.report(platform, code), request),
    creationOptions: append.creationOptions,
    otpSend: (request: StepRequest, channel: Channel) => take(otp.send(channel), request),
    otp: (request: StepRequest, code: string) => take(otp.verify(code), request),
    otpSkip: (request: StepRequest) => take(otp.skip, request),
    pin: (request: StepRequest, value: string | undefined) => take(pin.set(value), request),
    pinSkip: (request: StepRequest) => take(pin.skip, request),
    biometrics: (request: StepRequest, enabled: boolean) => take(biometrics(enabled), request),
    biometricsSkip: (request: StepRequest) => take(biometricsSkip, request),

    /** Whether the token may read this session: the flow token, or after completion an access token. @throws Fault */
    mayRead,
    /** The state as the log has it now. @throws Fault session_unknown */
    async state(session: string): Promise<Answer> {
      const folded = await streams.load(sessions, sessionStream(session))
      if (!folded) throw new Fault('session_unknown')
      return answerOf(session, { done: true }, folded)
    },

    access: tokens.access,
    accessTo,
    ownAccount: createOwnAccount({ changes, commands, view, signedIn: tokens.signedIn, now }),
    ownPasskeys: createOwnPasskeys({ changes, vault, settings, signedIn: tokens.signedIn, fingerprintSecret, now }),
    tell: createNotices({ streams, vault, deliver, settings, now }),
    refresh: (session: string, token: string, key: string) => observe({ action: 'refresh', session }, () => tokens.refresh(session, token, key)),
    unlock: (access: Access, typed: string, key: string): Promise<void> =>
      observe({ action: 'unlock', session: access.session }, async () => {
        await tokens.signedIn(access)
        await pin.unlock(access, typed, key)
      }),
    /** After sign-in: local biometrics on this installation, on or off. */
    switchBiometrics: (access: Access, enabled: boolean, key: string): Promise<void> =>
      observe({ action: 'switch_biometrics', session: access.session }, async () => {
        await tokens.signedIn(access)
        const request: Request = { causationId: `${access.session}/${key}`, fingerprint: hmac(fingerprintSecret, `biometrics\n${enabled}`).toString('base64url') }
        await changes.write(access.account, { actor: `account:${access.account}`, session: access.session }, request, (state) => {
          if (state.status !== 'active') throw new Fault('session_over')
          return done(...decideBiometricSwitch(state, access.installation, enabled))
        })
      }),

    /** Leaves a login that is not finished, or signs out of one that is; `everywhere`: every session of the account that was signed in before. */
    signOut: (session: string, token: string, everywhere: boolean): Promise<void> => observe({ action: 'sign_out', session }, () => signOut(session, token, everywhere)),

    /** Resolves when nothing is left running in the background. */
    settled: async (): Promise<void> => void (await Promise.allSettled(background)),
  }

  async function signOut(session: string, token: string, everywhere: boolean): Promise<void> {
    const known = await streams.load(sessions, sessionStream(session))
    if (!known) throw new Fault('session_unknown')
    // A session from the settings has no tokens: it has its flow token to the end, and nothing to sign out of.
    if (!known.state.completion || known.state.view.purpose === 'settings') {
      if (!flowTokenMatches(known.state, token)) throw new Fault('flow_token_invalid')
      const cause = { actor: `app:${known.state.view.app}`, correlationId: session, causationId: newId() }
      await streams.transact(sessions, sessionStream(session), cause, (folded) => ({ events: folded ? decideSignOut(folded.state).events : [], result: undefined }))
      return
    }
    const access = await accessTo(session, token)
    const actor = `account:${access.account}`
    if (everywhere) await tokens.signOutEverywhere(access, actor)
    await tokens.signOut(session, actor)
  }

  async function accessTo(session: string, token: string): Promise<Access> {
    const access = await tokens.access(token)
    if (access.session !== session) throw new Fault('access_token_invalid')
    return access
  }

  async function mayRead(session: string, token: string): Promise<void> {
    const known = await streams.peek(sessions, sessionStream(session))
    if (!known) throw new Fault('session_unknown')
    const { completion } = known.state
    const flowTokenLives = !completion || now().getTime() - Date.parse(completion.at) <= repeatSeconds * 1000
    if (flowTokenLives && flowTokenMatches(known.state, token)) return
    if (!completion) throw new Fault('flow_token_invalid')
    await tokens.signedIn(await accessTo(session, token))
  }
}
