/** What tells who somebody is, for somebody who may see it and says why: one look at a time, and each is a fact before anything is shown. */
import { sealedIn } from '../domain/all-events.ts'
import type { Because } from '../domain/audit/because.ts'
import type { Recorded } from '../eventlog/event-log.ts'
import type { Streams } from '../eventlog/transact.ts'
import type { Vault } from '../vault/vault.ts'
import type { RecordAct } from './acts.ts'
import { Fault } from './faults.ts'
import { accountStream, type Person } from './people.ts'

export type LookAt = {
  stream: string
  revision: number
  /** Of what is sealed there. Left out: all that may be opened. */
  fields?: readonly string[] | undefined
}
/** `value`: null where it is no longer kept: the person was forgotten, or its month was dropped. */
export type Look = {
  /** The fact that it was looked: `audit-<look>`. */
  look: string
  stream: string
  revision: number
  opened: { field: string; value: string | null }[]
}

/** Streams that say something of people. Keys are no facts about anybody, and hide nothing that a look may show. */
const streams = /^(session|tokens|account|identifier)-[0-9a-f-]{1,128}$/

export type LookInto = ReturnType<typeof createLooks>

export function createLooks({ streams: { log }, vault, act }: { streams: Streams; vault: Vault; act: RecordAct }) {
  async function eventOf({ stream, revision }: LookAt): Promise<Recorded> {
    if (streams.test(stream)) for await (const recorded of log.read(stream, revision)) if (recorded.revision === revision) return recorded
    throw new Fault('event_unknown')
  }

  /** @throws Fault event_unknown, not_sealed; Unavailable, OutcomeUnknown: nothing was opened */
  return async function look(actor: string, because: Because, at: LookAt): Promise<Look> {
    const { stream, revision } = at
    const sealed = sealedIn(await eventOf(at)).filter(({ opens }) => opens)
    const wanted = [...new Set(at.fields ?? sealed.map(({ field }) => field))]
    const opening = wanted.map((name) => sealed.find(({ field }) => field === name) ?? notSealed())
    if (opening.length === 0) throw new Fault('not_sealed')
    // Before: if this fact cannot be kept, nobody has looked.
    const id = await act(actor, { ...because, what: 'look', subject: stream, revision, fields: wanted })
    const opened = await Promise.all(opening.map(async ({ field, value }) => ({ field, value: (await vault.open(value)) ?? null })))
    return { look: id, stream, revision, opened }
  }
}

/** Whose pseudonym it is becomes known by an identifier, as by an opened field. */
export function createAuditedSearch({ accounts, act }: { accounts: { find(identifier: string): Promise<Person | undefined> }; act: RecordAct }) {
  /** That it was asked is a fact, also where there is nobody. @returns the account's id @throws Fault account_unknown; Unavailable, OutcomeUnknown: nothing is told */
  return async function findAudited(actor: string, because: Because, identifier: string): Promise<string> {
    const person = await accounts.find(identifier)
    await act(actor, { ...because, what: 'audit account', subject: person && accountStream(person.id) })
    if (!person) throw new Fault('account_unknown')
    return person.id
  }
}

function notSealed(): never {
  throw new Fault('not_sealed')
}
