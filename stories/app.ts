/**
 * A native app as a story plays it: it keeps the flow token, goes where the engine says it may go next, and sends a request whose answer was
 * lost again under the same Idempotency-Key. One client is one installation, with one login at a time.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PublicKeyCredentialCreationOptionsJSON, PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/server'
import { actions, type Action, type Channel, type PasswordReason, type Platform, type SignedInAction, type SkipReason } from '../domain/session/vocabulary.ts'
import type { Problem, SessionAnswer, Tokens } from '../mobile-contracts/answers.ts'
import type { Authenticator, Ceremony } from './authenticator.ts'

export type ClientSettings = {
  /** Where the engine listens. */
  url: string
  /** The app's id in the engine's registry. */
  app: string
  /** Of the app's passkey ceremonies: `https://<rpId>` on iOS, `android:apk-key-hash:<base64url>` on Android. */
  origin: string
  /** Random, kept on the device: by it the engine knows what was set up here. */
  installation?: string
  platform?: Platform
  supports?: readonly string[]
  device?: {
    model?: string; locale?: string; osVersion?: string; appVersion?: string
    screenLock?: boolean; biometrics?: boolean; credentialManager?: boolean; conditionalCreate?: boolean
  }
  /** How often a request is sent at most, while the network or the engine is down. */
  attempts?: number
  fetch?: typeof fetch
}

/** A state, a problem, or both; `tokens` where they were due. */
export type Body = Partial<SessionAnswer & Omit<Problem, keyof SessionAnswer>>
export type Reply = { status: number; body: Body }

type Sent = { method: string; href: string; bearer?: string | undefined; key?: string; body?: object }

export type Client = ReturnType<typeof createClient>

export function createClient(settings: ClientSettings) {
  const { url, app, origin, installation = randomUUID(), platform = 'ios', supports = actions, device = {} } = settings
  const { attempts = 6, fetch: carry = fetch } = settings
  let flowToken = ''
  let latest: Body = {}
  let tokens: Tokens | undefined
  let last: Sent | undefined

  const session = (): string => latest.session?.id ?? 'none'
  /** The flow token until completion, the access token after it. A session in the settings has none of its own. */
  const bearer = (): string => (latest.session?.purpose === 'settings' ? flowToken : (tokens?.accessToken ?? flowToken))

  /** The same request, byte for byte, until an answer comes. */
  async function exchange(sent: Sent): Promise<Reply> {
    last = sent
    for (let attempt = 1; ; attempt += 1) {
      const reply = await carried(sent).catch((error: unknown) => {
        // What `fetch` throws when the network fails (Fetch Standard, 5.6).
        if (!(error instanceof TypeError) || attempt >= attempts) throw error
      })
      // A 503 with a state in it was decided (the carrier would not take the code): the same request would have the same answer.
      if (reply && (reply.status !== 503 || reply.body.session || attempt >= attempts)) return learnt(reply)
      await sleep(reply?.retryAfter ?? 50 * 2 ** attempt)
    }
  }

  async function carried({ method, href, bearer, key, body }: Sent): Promise<Reply & { retryAfter: number | undefined }> {
    const response = await carry(`${url}${href}`, {
      method,
      headers: {
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const seconds = response.headers.get('retry-after')
    const retryAfter = seconds === null ? undefined : Number(seconds) * 1000
    return { status: response.status, body: text === '' ? {} : JSON.parse(text), retryAfter }
  }

  /** Answers may overtake each other: the state with the highest revision is the one to go by. */
  function learnt({ status, body }: Reply): Reply {
    const isNews = body.session && (body.session.id !== latest.session?.id || body.session.revision >= latest.session.revision)
    if (isNews) latest = body
    tokens = body.tokens ?? tokens
    return { status, body }
  }

  /** A step that is legal now, by the last answer. `key` is drawn anew for what is a new request. @throws Error when it is not legal */
  async function send(action: Action | SignedInAction, body: object = {}, key = newKey()): Promise<Reply> {
    const legal = latest.next ?? []
    const next = legal.find((one) => one.action === action)
    if (!next) throw new Error(`${action} is not legal now; legal: ${legal.map((one) => one.action).join(', ') || 'nothing'}`)
    return exchange({ method: next.method, href: next.href, bearer: action === 'refresh' ? undefined : bearer(), key, body })
  }

  /** The app's secret goes out as its hash, as in PKCE (RFC 7636, 4.2). */
  function begin(fields: object, accessToken?: string): Promise<Reply> {
    flowToken = randomBytes(32).toString('base64url')
    latest = {}
    const flowChallenge = createHash('sha256').update(flowToken).digest('base64url')
    const body = { app, installation, flowChallenge, supports, device: { platform, ...device }, ...fields }
    return exchange({ method: 'POST', href: '/v1/sessions', bearer: accessToken, key: newKey(), body })
  }

  const append = (credential: object): Promise<Reply> => send('append', { credential })

  return {
    origin,
    installation,
    /** The session's id. */
    get session() {
      return session()
    },
    /** The last answer that had a state. */
    get latest() {
      return latest
    },
    get tokens() {
      return tokens
    },
    send,
    /** The last request once more, under its key: what an app does that never saw the answer. */
    repeat: (): Promise<Reply> => exchange(last as Sent),

    /** A new login; without an identifier a passkey is to say who it is. */
    start(identifier?: string): Promise<Reply> {
      tokens = undefined
      return begin({ identifier })
    },
    /** A short session of its own, for who is signed in. Its tokens stay as they are. */
    openSettings: (): Promise<Reply> => begin({ entryPoint: 'settings' }, tokens?.accessToken),

    passkeyOptions: () => send('passkey_options'),
    /** The system's prompt, for the options that came with the state. @throws DOMException when the device brought no passkey: report it */
    async usePasskey(authenticator: Authenticator, ceremony: Partial<Ceremony> = {}): Promise<Reply> {
      const { requestOptions } = latest
      if (!requestOptions) throw new Error('no passkey is asked for')
      return send('passkey', { credential: await authenticator.get(requestOptions as PublicKeyCredentialRequestOptionsJSON, { origin, ...ceremony }) })
    },
    passkeyReport: (code: string, message?: string) => send('passkey_report', { platform, code, message }),
    password: (password: string, how: { insteadOf?: PasswordReason; autofilled?: boolean } = {}) => send('password', { password, ...how }),

    appendOptions: () => send('append_options'),
    append,
    /** The options, the system's prompt, and what came of it. @throws DOMException when the device brought no passkey: report it */
    async createPasskey(authenticator: Authenticator, ceremony: Partial<Ceremony> = {}): Promise<Reply> {
      const { body } = await send('append_options')
      const options = body.creationOptions as PublicKeyCredentialCreationOptionsJSON | undefined
      if (!options) throw new Error(`there are no creation options: ${body.code}, after ${JSON.stringify(latest)}`)
      return append(await authenticator.create(options, { origin, ...ceremony }))
    },
    appendSkip: (reason: SkipReason) => send('append_skip', { reason }),
    appendReport: (code: string, message?: string) => send('append_report', { platform, code, message }),

    otpSend: (channel: Channel) => send('otp_send', { channel }),
    otp: (code: string) => send('otp', { code }),
    otpSkip: () => send('otp_skip'),
    /** Without a PIN: it was set on the device. */
    pin: (pin?: string) => send('pin', { pin }),
    pinSkip: () => send('pin_skip'),
    biometrics: (enabled: boolean) => send('biometrics', { enabled }),
    biometricsSkip: () => send('biometrics_skip'),

    /** The state as the engine's readers have it, not older than the last answer. */
    state: () => exchange({ method: 'GET', href: `/v1/sessions/${session()}?revision=${latest.session?.revision ?? 0}`, bearer: bearer() }),

    refresh: (refreshToken = tokens?.refreshToken) => send('refresh', { refreshToken }),
    unlock: (pin: string) => send('unlock', { pin }),
    switchBiometrics: (enabled: boolean) => send('switch_biometrics', { enabled }),
    /** Legal at any time: it also leaves a login that is not finished. `everywhere`: on all of the person's devices. */
    signOut: ({ everywhere = false } = {}) =>
      exchange({ method: 'DELETE', href: `/v1/sessions/${session()}${everywhere ? '?everywhere=true' : ''}`, bearer: bearer() }),
  }
}

/** 128 bits. */
const newKey = (): string => randomBytes(16).toString('base64url')
