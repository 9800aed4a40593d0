/**
 * The API as `createApp` makes it, on a real engine and a real log in a file of its own. The clock stands still until a test moves it, and the
 * carrier keeps what it is given.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Hono } from 'hono'
import { expect } from 'vitest'
import { consoleKeyOf } from '../access/console-key.ts'
import type { Carrier, Message, Receipt } from '../delivery/delivery.ts'
import { Policy } from '../domain/policy.ts'
import { noOffers, type OfferHistory } from '../domain/policy/history.ts'
import { actions, type Channel, type Step } from '../domain/session/vocabulary.ts'
import { createAccess, type Access } from '../access/access.ts'
import type { AccountEvent } from '../domain/account/events.ts'
import type { NewAccount } from '../engine/accounts.ts'
import { App } from '../engine/apps.ts'
import { backendKeyOf, keySha256Of } from '../engine/backends.ts'
import { createEngine } from '../engine/engine.ts'
import type { GuessCounter } from '../engine/guess-counter.ts'
import { accounts, accountStream } from '../engine/people.ts'
import { openTestFile } from '../eventlog/testing.ts'
import { createHashGate } from '../factors/hash-gate.ts'
import { createPasswords, type Passwords } from '../factors/password.ts'
import type { SessionAnswer, Tokens } from '../mobile-contracts/answers.ts'
import { createAuthenticator, type Authenticator, type Ceremony } from '../stories/authenticator.ts'
import type { Figures } from '../projections/adoption/adoption.ts'
import { FiguresUnavailable } from '../projections/adoption/ask.ts'
import { metricOf } from '../projections/adoption/metrics.ts'
import { createTelemetry } from '../telemetry/telemetry.ts'
import { searchSessionsOf } from '../replay/account-replay.ts'
import { createReplays, type Replays } from '../replay/replays.ts'
import type { Role } from '../access/roles.ts'
import type { Proofs } from './audit.ts'
import { createApp, type Readiness } from './app.ts'
import type { LastUses } from './passkeys.ts'
import type { SessionReader } from './sessions.ts'
import { heldToContract } from './testing-contract.ts'

export const password = 'correct horse battery staple'
export const shop = App.parse({ id: 'shop', name: 'Northwind Shop', rpId: 'shop.example', ios: [{ teamId: 'ABCDE12345', bundleId: 'example.shop' }] })
export const serverPin = '271828'
export const issuer = 'https://login.shop.example'
/** Of the company's backend `crm`. */
export const backendKey = backendKeyOf(createHash('sha256').update('a backend key for tests').digest())
export const consoleKey = consoleKeyOf(createHash('sha256').update('a console key for tests').digest())
const masterKey = createHash('sha256').update('a master key for tests').digest()

/** What came back, with the names of the events that the request wrote. */
export type Reply = { status: number; headers: Headers; body: any; events: string[] }
export type Request = { body?: unknown; key?: string | undefined; token?: string | undefined; headers?: Record<string, string> }
/** A step of a login, such as `otp/send`. It carries the flow token, and a key of its own unless one is given. */
export type TakeStep = (name: string, fields?: unknown, request?: Request, on?: Hono) => Promise<Reply>
export type Api = Awaited<ReturnType<typeof openApi>>
export type Login = Awaited<ReturnType<Api['start']>>

export type ApiOptions = {
  policy?: Partial<Policy>
  apps?: App[]
  flowSeconds?: number
  /** Shared by the engines of the test. */
  guessCounter?: GuessCounter
  /** As the listener sees it. */
  addressOf?: () => string
  reachable?: Channel[]
  passwords?: Passwords
  readSession?: SessionReader
  lastUses?: LastUses
  readiness?: () => Promise<Readiness>
  metricsToken?: string
  access?: Access
  proofs?: Proofs
  /** By default over the log alone, as while the projection database is away. */
  replays?: Replays
  opens?: Role
  adoption?: Figures
}

/** As while the projection database is away. */
const noFigures: Figures = {
  catalogue: async () => {
    throw new FiguresUnavailable('away')
  },
  ask: async (metric) => {
    if (metricOf(metric)) throw new FiguresUnavailable('away')
    return undefined
  },
}

/** Where passkeys of the shop's app are made. */
export const ceremonyHere: Ceremony = { origin: `https://${shop.rpId}` }
export const newKey = (): string => randomBytes(16).toString('base64url')
export const challengeOf = (flowToken: string): string => createHash('sha256').update(flowToken).digest('base64url')
/** Steps that are off. */
export const off = { otp: 'off', pin: 'off', biometrics: 'off' } as const

export async function openApi(options: ApiOptions = {}) {
  const file = openTestFile()
  const world = {
    time: Date.parse('2026-03-02T08:00:00.000Z'),
    policy: Policy.parse(options.policy ?? {}),
    offers: noOffers as OfferHistory | 'unavailable',
    historyAsked: 0,
    /** The account that was registered last. */
    account: '',
    /** What was given to the carrier, and what it says to it. */
    messages: [] as Message[],
    carrier: (async () => ({ delivered: true, carrierId: 'carrier 1' })) as Carrier,
    errors: [] as unknown[],
    /** What was logged. */
    lines: [] as string[],
  }
  const now = () => new Date(world.time)

  /** One engine with its API. All of a test share one log, as the engines of a cluster do. */
  async function openNode() {
    const telemetry = createTelemetry({ level: 'debug', now, write: (line) => world.lines.push(line) })
    const log = file.open()
    const engine = await createEngine({
      log: telemetry.log(log),
      masterKeys: [masterKey],
      passwords: options.passwords ?? createPasswords({ gate: telemetry.gate(createHashGate({ atOnce: 4, queue: 256 })), argon2: { memoryCost: 1024, timeCost: 1, parallelism: 1 } }),
      deliver: telemetry.carrier(async (message, signal): Promise<Receipt> => {
        world.messages.push(message)
        return world.carrier(message, signal)
      }),
      reachable: new Set(options.reachable ?? ['email', 'sms']),
      settings: () => ({ issuer, apps: options.apps ?? [shop], policy: world.policy, flowSeconds: options.flowSeconds ?? 900, backends: [{ id: 'crm', keySha256: keySha256Of(backendKey) }] }),
      history: async () => {
        world.historyAsked += 1
        return world.offers
      },
      guessCounter: options.guessCounter,
      now,
      newId: randomUUID,
      randomBytes,
      onBackgroundError: (error) => world.errors.push(error),
      observe: telemetry.step,
      onRetry: telemetry.retried,
    })
    const app = heldToContract(createApp({
      engine,
      adoption: options.adoption ?? noFigures,
      access: options.access ?? createAccess({ consoleKey, consoleUrl: 'http://localhost:8787', secret: engine.vault.secret('console'), now }),
      proofs: options.proofs ?? { inclusion: async () => undefined, consistency: async () => undefined },
      replays: options.replays ?? createReplays({ log, now, coverageOf: async () => undefined, sessionsOf: (account) => searchSessionsOf(log, account), findLogins: async () => 'unavailable' }),
      opens: options.opens ?? 'admin',
      readSession: options.readSession ?? (async () => undefined),
      lastUses: options.lastUses ?? (async () => new Map()),
      readiness: options.readiness ?? (async () => ({ ready: true })),
      now,
      addressOf: options.addressOf ?? (() => '192.0.2.1'),
      onError: (error) => world.errors.push(error),
      observe: telemetry.request,
      metrics: { ...telemetry.metrics, token: options.metricsToken },
    }))
    return { log, engine, app, metrics: telemetry.metrics.text }
  }

  const [node, spare] = [await openNode(), file.open()]
  await node.engine.signingKeys.current()
  let seen: string | undefined
  const written = async (): Promise<string[]> => {
    const types: string[] = []
    for await (const { type, position } of spare.readAll({ after: seen, prefixes: ['session-', 'account-', 'identifier-', 'tokens-'] })) {
      seen = position
      types.push(type)
    }
    return types
  }

  async function call(method: string, path: string, { body, key, token, headers = {} }: Request = {}, app: Hono = node.app): Promise<Reply> {
    await written()
    const raw = typeof body === 'string' || body instanceof Uint8Array
    const response = await app.request(path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(key === undefined ? {} : { 'Idempotency-Key': key }),
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: raw ? (body as string) : JSON.stringify(body) }),
    })
    const text = await response.text()
    await node.engine.settled()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text), events: await written() }
  }
  const post = (path: string, request: Request = {}, app?: Hono) => call('POST', path, { key: newKey(), ...request }, app)

  /** A login as an app begins it. */
  async function start(body: Record<string, unknown> = {}, { app, key = newKey() }: { app?: Hono; key?: string } = {}) {
    const flowToken = randomBytes(32).toString('base64url')
    const started = await post('/v1/sessions', { body: startBody({ flowChallenge: challengeOf(flowToken), ...body }), key }, app)
    const id = started.body.session?.id as string
    const path = `/v1/sessions/${id}`
    const step: TakeStep = (name, fields, request = {}, on) =>
      post(`${path}/${name}`, { token: flowToken, ...(fields === undefined ? {} : { body: fields }), ...request }, on ?? app)
    return { started, id, path, flowToken, step, read: (token = flowToken, query = '') => call('GET', `${path}${query}`, { token }, app) }
  }

  return {
    ...node,
    world,
    openNode,
    call,
    post,
    now,
    pass: (seconds: number) => void (world.time += seconds * 1000),
    written,
    close: () => file.remove(),

    /** An account, by default with an e-mail address. @returns its id */
    async register(account: Partial<NewAccount> = {}): Promise<string> {
      const wanted: NewAccount = { source: 'added', identifiers: ['ada@example.com'], password: { plain: password }, ...account }
      const registered = await node.engine.accounts.register(wanted, 'cli:test')
      if (registered.outcome !== 'registered') throw new Error(registered.outcome)
      await node.engine.settled()
      return (world.account = registered.account)
    },

    /** Something happens to the account that was registered last. */
    async inAccount(...events: AccountEvent[]): Promise<void> {
      const cause = { actor: 'cli:test', correlationId: world.account, causationId: randomUUID() }
      await node.engine.streams.transact(accounts, accountStream(world.account), cause, () => ({ events, result: undefined }))
    },

    start,

    /** A login that has come to this step, of somebody who declines the passkey; `last` is the answer that brought it there. */
    async loginAt(wanted: Step | 'completed', body?: Record<string, unknown>, on?: { app?: Hono }) {
      const login = await start(body, on)
      let last = login.started
      for (let step = 'password'; step !== wanted; step = last.body.session.step ?? last.body.session.status) {
        if (step === 'otp') await login.step('otp/send', { channel: last.body.otp.channels[0] })
        last = await login.step(...rightly[step as Step](last.body, world.messages.at(-1)?.code))
        if (last.status !== 200) throw new Error(`${step}: ${last.body.code}`)
      }
      return { ...login, last, tokens: last.body.tokens as Tokens }
    },

    /** Somebody who is signed in, where every step is off but the offer. `complete` sends the last request of the login again. */
    async signedIn(body?: Record<string, unknown>) {
      const login = await this.loginAt('append', body)
      const completing = newKey()
      const complete = () => login.step('append/skip', { reason: 'declined' }, { key: completing })
      return {
        ...login,
        complete,
        tokens: (await complete()).body.tokens as Tokens,
        refresh: (refreshToken: string, key = newKey()) => post(`${login.path}/refresh`, { body: { refreshToken }, key }),
        signOut: (token: string, query = '') => call('DELETE', `${login.path}${query}`, { token }),
      }
    },

    /** The account that was registered last has an active passkey, kept on `device`. */
    async withPasskey(device = createAuthenticator(), body?: Record<string, unknown>) {
      const login = await this.loginAt('append', body)
      const credential = await this.credential(login, device)
      await login.step('append', { credential })
      await this.inAccount({ type: 'PasskeyActivated', data: { passkey: credential.id } })
      return { device, passkey: credential.id }
    },

    /** A login with that passkey, to its end. */
    async signInWith(device: Authenticator, body?: Record<string, unknown>) {
      const login = await start(body)
      const signedIn = await login.step('passkey', { credential: await device.get(login.started.body.requestOptions, ceremonyHere) })
      return { ...login, signedIn, tokens: signedIn.body.tokens as Tokens }
    },

    /** The last code that was sent. */
    code: () => world.messages.at(-1)?.code ?? '',

    /** A passkey of a new device, or of the one given, for the creation options that are asked for here. */
    async credential(login: { step: TakeStep }, device = createAuthenticator(), ceremony: Partial<Ceremony> = {}) {
      const { body } = await login.step('append/options')
      return device.create(body.creationOptions, { ...ceremonyHere, ...ceremony })
    },
  }
}

/** What somebody does who wants to be through with it. */
const rightly: Record<Step, (state: SessionAnswer, code: string | undefined) => [name: string, fields: unknown]> = {
  // With the password, the way out.
  passkey: () => ['password', { password }],
  password: () => ['password', { password }],
  append: () => ['append/skip', { reason: 'declined' }],
  otp: (_, code) => ['otp', { code }],
  pin: ({ pin }) => ['pin', pin?.keptOn === 'server' ? { pin: serverPin } : {}],
  biometrics: () => ['biometrics', { enabled: true }],
}

export const startBody = (body: Record<string, unknown> = {}): Record<string, unknown> => ({
  app: 'shop',
  installation: '1f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60',
  flowChallenge: challengeOf('a flow token'),
  supports: actions,
  identifier: 'ada@example.com',
  device: { platform: 'ios' },
  ...body,
})

export const actionsOf = ({ body }: Reply): string[] => body.next.map(({ action }: { action: string }) => action)

/** The step was taken: it wrote exactly this, and the login is at the next one. */
export const done = ({ status, body, events }: Reply, written: string[], step: string | null): void =>
  expect([status, events, body.session.step]).toEqual([200, written, step])

/** By default nothing was written. */
export function refused(reply: Reply, status: number, code: string, events: string[] = []): void {
  expect([reply.status, reply.body.code, reply.events]).toEqual([status, code, events])
  expect(reply.headers.get('content-type')).toBe('application/problem+json')
  expect(reply.body).toMatchObject({ type: `urn:keyledger:problem:${code}`, status, title: expect.any(String) })
}
