/** What operators, auditors and backends do for which they give a reason: a fact of its own, written before it is done. */
import { auditEvents, evolve, type AuditState } from '../domain/audit/events.ts'
import { Because } from '../domain/audit/because.ts'
import type { Aggregate, Streams } from '../eventlog/transact.ts'

/** Written once and seldom read: it would only take the room of others. */
export const audits: Aggregate<AuditState, typeof auditEvents> = { events: auditEvents, evolve, neverCached: true }
export const auditStream = (id: string): string => `audit-${id}`

/** `subject`: the stream that it is done to, never what somebody typed to find it. `revision`, `fields`: of a look at one event, what is opened. */
export type Act = Because & { what: string; subject?: string | undefined; revision?: number | undefined; fields?: readonly string[] | undefined }

export type RecordAct = ReturnType<typeof createActs>

export function createActs({ streams, newId }: { streams: Streams; newId: () => string }) {
  /**
   * Resolves when the fact is durable: nothing may be shown or done before. `actor`: `cli:<name>`, `backend:<id>`, `console:<name>`.
   * @returns the id of the act, of which what follows can say that it was its cause
   * @throws ZodError for what is not said as it must be; Unavailable, OutcomeUnknown: then it must not be done
   */
  return async function act(actor: string, { who, why, what, subject, revision, fields }: Act): Promise<string> {
    const id = newId()
    // Before it is written: what is written must be readable for ever.
    const data = auditEvents.OperatorActed.parse({ ...Because.parse({ who, why }), what, subject, revision, fields })
    await streams.transact(audits, auditStream(id), { actor, correlationId: id, causationId: id }, () => ({ events: [{ type: 'OperatorActed', data }], result: undefined }), { assumeNew: true })
    return id
  }
}
