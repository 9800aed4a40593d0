/** What every decision of an account shares. */
import type { AccountEvent } from './events.ts'

/** `done` with no events: it was done before, go on. */
export type AccountDecision = { outcome: 'done' | 'challenge_used' | 'passkey_exists' | 'passkey_unknown' | 'contact_unknown' | 'account_gone'; events: readonly AccountEvent[] }

export const done = (...events: readonly AccountEvent[]): AccountDecision => ({ outcome: 'done', events })
