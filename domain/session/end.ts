/** How a login ends without completion. A finished one is never undone. */
import type { Decision } from './decision.ts'
import type { SessionState } from './state.ts'

const nothing: Decision = { outcome: { done: true }, events: [] }

/** The sweeper's: a login whose time is over. Harmless before its time and when it was said already. */
export function decideExpiry({ view }: SessionState, now: string): Decision {
  if (view.status !== 'running' || now < view.expiresAt) return nothing
  return { outcome: { done: true }, events: [{ type: 'SessionExpired', data: {} }] }
}

/** The person walked away on purpose, before completion. */
export function decideSignOut({ view }: SessionState): Decision {
  if (view.status !== 'running') return nothing
  return { outcome: { done: true }, events: [{ type: 'SessionEnded', data: { reason: 'signed_out' } }] }
}
