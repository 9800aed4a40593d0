/** Who is told that a passkey became active or was removed: every contact that the account had at that moment. */
import { done, type AccountDecision } from './decision.ts'
import type { AccountState, DueNotice } from './state.ts'

/** So often, and so many seconds apart (doubling), a notice is tried before it is given up. */
export const noticeAttempts = 12
const firstRetrySeconds = 30

/** Those to be sent now. */
export const dueNotices = ({ notices }: AccountState, now: string): DueNotice[] => notices.filter((one) => now >= dueAt(one))

/** ISO 8601. */
export const dueAt = ({ since, failures, failedAt }: DueNotice): string =>
  failedAt === null ? since : new Date(Date.parse(failedAt) + firstRetrySeconds * 2 ** (failures - 1) * 1000).toISOString()

export type NoticeReceipt = { delivered: true; carrierId?: string | undefined } | { delivered: false; reason: string; retryable: boolean }

/** What the carrier said. Said of a notice that is no longer due, it is nothing. */
export function decideNotice({ notices }: AccountState, which: Pick<DueNotice, 'notice' | 'passkey' | 'contact'>, receipt: NoticeReceipt): AccountDecision {
  const { notice, passkey, contact } = which
  const due = notices.find((one) => one.notice === notice && one.passkey === passkey && one.contact === contact)
  if (!due) return done()
  const told = { notice, passkey, contact }
  if (receipt.delivered) {
    const { carrierId } = receipt
    return done({ type: 'NoticeSent', data: carrierId === undefined ? told : { ...told, carrierId } })
  }
  const final = !receipt.retryable || due.failures + 1 >= noticeAttempts
  return done({ type: 'NoticeFailed', data: { ...told, reason: receipt.reason, final } })
}
