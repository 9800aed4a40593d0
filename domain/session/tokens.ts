/**
 * The signed-in session, `tokens-<sid>`: which refresh token is good. Every event carries the whole state, so reading the last one is enough.
 */
import { z } from 'zod'
import { Instant, clear, event, type EventOf, type Fact } from '../event.ts'

const state = {
  account: clear(z.uuid()),
  app: clear(z.string()),
  installation: clear(z.uuid()),
  /** Number of the refresh token that is good now; the first is 0. */
  generation: clear(z.int().nonnegative()),
  amr: clear(z.array(z.string())),
  authTime: clear(Instant),
  /** The account's revision that the proof was judged by. Left out by releases that went by `authTime` alone. */
  accountRevision: clear(z.int().nonnegative().optional()),
  /** When this generation was given out. */
  renewedAt: clear(Instant),
  idleExpiresAt: clear(Instant),
  expiresAt: clear(Instant),
}

export const tokensEvents = {
  TokensIssued: event('The login was completed: the first refresh token is good. It does not imply that the app received it.', state),
  TokensRefreshed: event('A refresh token was exchanged for its successor.', state),
  RefreshReused: event('A refresh token came back that had long been replaced: it was stolen, or copied. The session is over.', state),
  SignedOut: event('The person signed out on this installation. The session is over.', state),
}
export type TokensEvent = EventOf<typeof tokensEvents>

export type TokensState = TokensEvent['data'] & { ended: 'reused' | 'signed_out' | null }

export const evolve = (_: TokensState | undefined, { type, data }: Fact<TokensEvent>): TokensState => ({
  ...data,
  ended: type === 'RefreshReused' ? 'reused' : type === 'SignedOut' ? 'signed_out' : null,
})

/** Seconds. By default 90 days idle, one year in all; the generation just replaced is honoured for one minute, whoever asks. */
export const lifetimes = { idle: 90 * 86_400, absolute: 365 * 86_400, access: 600, grace: 60 } as const

const after = (instant: string, seconds: number): string => new Date(Date.parse(instant) + seconds * 1000).toISOString()
const earlier = (one: string, other: string): string => (one < other ? one : other)

/** Seconds that the policy gives a session without use, and in all. */
export type Lifetime = { idle: number; absolute: number }

type Login = { account: string; app: string; installation: string; amr: readonly string[]; authTime: string; accountRevision?: number | undefined }

export const decideIssue = (login: Login, now: string, { idle, absolute }: Lifetime = lifetimes): TokensEvent[] => [
  {
    type: 'TokensIssued',
    data: { ...login, amr: [...login.amr], generation: 0, renewedAt: now, idleExpiresAt: after(now, Math.min(idle, absolute)), expiresAt: after(now, absolute) },
  },
]

export type Refresh = { outcome: 'refreshed' | 'reused' | 'session_over'; events: TokensEvent[] }

/**
 * Rotation (RFC 9700, 4.14.2). The generation just replaced gives the same successor again to the key that it was given to, until
 * that successor was used, and to any key for a minute; anything older is reuse and ends the session.
 * `sameKey`: the request has the key that the present generation was given to. How long the session lasts in all was settled when it began.
 */
export function decideRefresh({ ended, ...state }: TokensState, presented: { generation: number; sameKey: boolean }, now: string, { idle }: Pick<Lifetime, 'idle'> = lifetimes): Refresh {
  if (ended || now >= state.idleExpiresAt || now >= state.expiresAt) return { outcome: 'session_over', events: [] }
  if (presented.generation === state.generation) {
    const renewed = { ...state, generation: state.generation + 1, renewedAt: now, idleExpiresAt: earlier(after(now, idle), state.expiresAt) }
    return { outcome: 'refreshed', events: [{ type: 'TokensRefreshed', data: renewed }] }
  }
  const justReplaced = presented.generation === state.generation - 1
  if (justReplaced && (presented.sameKey || now < after(state.renewedAt, lifetimes.grace))) return { outcome: 'refreshed', events: [] }
  return { outcome: 'reused', events: [{ type: 'RefreshReused', data: state }] }
}

export const decideSignOut = ({ ended, ...state }: TokensState): TokensEvent[] => (ended ? [] : [{ type: 'SignedOut', data: state }])
