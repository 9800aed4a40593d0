/** Access and refresh tokens of a signed-in session (design: section 7). */
import { timingSafeEqual, type KeyObject } from 'node:crypto'
import { createLocalJWKSet, errors, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import { installationOf, pinBars } from '../domain/account/installations.ts'
import { isRevoked, type AccountState } from '../domain/account/state.ts'
import type { SessionState } from '../domain/session/state.ts'
import { decideIssue, decideRefresh, decideSignOut, evolve, lifetimes, tokensEvents, type TokensState } from '../domain/session/tokens.ts'
import type { Aggregate, Cause, Streams } from '../eventlog/transact.ts'
import { hmac } from '../vault/sealing.ts'
import type { SigningKeys } from '../vault/signing-keys.ts'
import type { Settings } from './apps.ts'
import { Fault } from './faults.ts'
import { accountStream, accounts } from './people.ts'

export const tokens: Aggregate<TokensState, typeof tokensEvents> = { events: tokensEvents, evolve, lastOnly: true, neverCached: true }
export const tokensStream = (session: string): string => `tokens-${session}`

/** `expiresIn`: seconds. */
export type TokenPair = { tokenType: 'Bearer'; accessToken: string; expiresIn: number; refreshToken: string; refreshExpiresAt: string }
/** `authTime`: ISO 8601, whole seconds. */
export type Access = { token: string; session: string; account: string; app: string; installation: string; amr: readonly string[]; authTime: string }

const Claims = z.object({ sub: z.uuid(), sid: z.uuid(), client_id: z.string(), installation: z.uuid(), amr: z.array(z.string()), auth_time: z.int() })

export type TokensOf = ReturnType<typeof createTokens>

export function createTokens(dependencies: {
  streams: Streams
  signingKeys: SigningKeys
  settings: () => Settings
  refreshSecret: KeyObject
  fingerprintSecret: KeyObject
  now: () => Date
  newId: () => string
}) {
  const { streams, signingKeys, settings, refreshSecret, fingerprintSecret, now, newId } = dependencies

  /** RFC 9068: a JWT access token, with `amr` (RFC 8176) and the time of the authentication, which no refresh moves. */
  async function pair(session: string, { account, app, installation, amr, authTime, generation, idleExpiresAt }: Omit<TokensState, 'ended'>): Promise<TokenPair> {
    const { kid, key } = await signingKeys.current()
    const issuedAt = Math.floor(now().getTime() / 1000)
    const accessToken = await new SignJWT({ sid: session, client_id: app, installation, amr: [...amr], auth_time: Math.floor(Date.parse(authTime) / 1000) })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
      .setIssuer(settings().issuer)
      .setAudience(app)
      .setSubject(account)
      .setJti(newId())
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifetimes.access)
      .sign(key)
    return { tokenType: 'Bearer', accessToken, expiresIn: lifetimes.access, refreshToken: refreshToken(session, generation), refreshExpiresAt: idleExpiresAt }
  }

  const mac = (session: string, generation: number): string => hmac(refreshSecret, `${session}.${generation}`).toString('base64url')
  const refreshToken = (session: string, generation: number): string => `${session}.${generation}.${mac(session, generation)}`

  function generationOf(token: string, session: string): number {
    const [sid = '', generation = '', given = ''] = token.split('.')
    if (sid !== session || !/^\d{1,9}$/.test(generation)) throw new Fault('refresh_token_invalid')
    const [a, b] = [Buffer.from(given), Buffer.from(mac(sid, Number(generation)))]
    if (a.length !== b.length || !timingSafeEqual(a, b)) throw new Fault('refresh_token_invalid')
    return Number(generation)
  }

  /** @throws Fault session_over */
  async function accountOf({ account: id, ...login }: { account: string; authTime: string; accountRevision?: number | undefined }): Promise<AccountState> {
    const account = (await streams.load(accounts, accountStream(id)))?.state
    if (!account || account.status !== 'active' || isRevoked(account, login)) throw new Fault('session_over')
    return account
  }

  return {
    /** The first pair, for a login that was just completed. Issued once; the same again until the first refresh. */
    async login(session: string, state: SessionState, cause: Cause): Promise<TokenPair> {
      const { completion, installation, view, accountRevision } = state
      if (!completion || view.account === null) throw new TypeError('tokens are due at completion')
      const revision = accountRevision === null ? {} : { accountRevision }
      const login = { account: view.account, app: view.app, installation, amr: completion.amr, authTime: completion.authTime, ...revision }
      await accountOf(login)
      const { result } = await streams.transact(tokens, tokensStream(session), cause, (folded, at) => {
        if (folded) return { events: [], result: folded.state }
        const events = decideIssue(login, at, settings().policy.signedIn)
        return { events, result: { ...(events[0] as (typeof events)[number]).data, ended: null } }
      })
      if (result.ended || result.generation > 0) throw new Fault('flow_token_invalid')
      return pair(session, result)
    },

    /** @throws Fault refresh_token_invalid, session_over, pin_locked, key_reused */
    async refresh(session: string, token: string, key: string): Promise<TokenPair> {
      const generation = generationOf(token, session)
      const present = await streams.load(tokens, tokensStream(session))
      if (!present) throw new Fault('refresh_token_invalid')
      const { installation, authTime } = present.state
      if (pinBars(installationOf(await accountOf(present.state), installation), authTime)) throw new Fault('pin_locked')
      const fingerprint = hmac(fingerprintSecret, `refresh\n${token}`).toString('base64url')
      const cause: Cause = { actor: `app:${present.state.app}`, correlationId: session, causationId: key, fingerprint }
      const { result, folded } = await streams.transact(tokens, tokensStream(session), cause, (current, at) => {
        if (!current) throw new Fault('refresh_token_invalid')
        const used = current.keys.get(key)
        if (used && used.fingerprint !== fingerprint) throw new Fault('key_reused')
        const { outcome, events } = decideRefresh(current.state, { generation, sameKey: used !== undefined }, at, settings().policy.signedIn)
        return { events, result: outcome }
      })
      if (result !== 'refreshed' || !folded) throw new Fault('session_over', { reason: result })
      return pair(session, folded.state)
    },

    /** RFC 9068, 4. @throws Fault access_token_invalid, session_over */
    async access(token: string): Promise<Access> {
      try {
        const { payload } = await jwtVerify(token, createLocalJWKSet(await signingKeys.jwks()), {
          issuer: settings().issuer,
          audience: settings().apps.map(({ id }) => id),
          algorithms: ['ES256'],
          typ: 'at+jwt',
          currentDate: now(),
        })
        const { sub, sid, client_id, installation, amr, auth_time } = Claims.parse(payload)
        return { token, session: sid, account: sub, app: client_id, installation, amr, authTime: new Date(auth_time * 1000).toISOString() }
      } catch (error) {
        if (error instanceof errors.JOSEError || error instanceof z.ZodError) throw new Fault('access_token_invalid')
        throw error
      }
    },

    /** That the session which an access token speaks for is not over, in the log as it is now. @returns its account @throws Fault session_over */
    async signedIn({ session }: Access): Promise<AccountState> {
      const state = (await streams.load(tokens, tokensStream(session)))?.state
      if (!state || state.ended) throw new Fault('session_over')
      return accountOf(state)
    },

    /** Every session of the account that was signed in before is over, this one too. Safe to repeat. @throws Fault session_over */
    async signOutEverywhere({ session, account }: Access, actor: string): Promise<void> {
      const state = (await streams.load(tokens, tokensStream(session)))?.state
      if (!state) throw new Fault('session_over')
      await streams.transact(accounts, accountStream(account), { actor, correlationId: session, causationId: newId() }, (folded) => {
        if (!folded || isRevoked(folded.state, state)) return { events: [], result: undefined }
        // Signed out, or its refresh token was copied: it has no say over the others any more.
        if (state.ended) throw new Fault('session_over')
        return { events: [{ type: 'SessionsRevoked', data: {} }], result: undefined }
      })
    },

    async signOut(session: string, actor: string): Promise<void> {
      await streams.transact(tokens, tokensStream(session), { actor, correlationId: session, causationId: newId() }, (folded) => ({
        events: folded ? decideSignOut(folded.state) : [],
        result: undefined,
      }))
    },
  }
}
