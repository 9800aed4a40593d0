/** What the log must say of a login and of everything, whatever was killed: each a sentence that names its counter-example. */
import assert from 'node:assert/strict'
import { parseFact } from '../domain/event.ts'
import { sessionEvents } from '../domain/session/events.ts'
import { evolve, type SessionState } from '../domain/session/state.ts'
import type { EventLog, Recorded } from '../eventlog/event-log.ts'
import { eventsOf as read } from '../eventlog/testing.ts'
import { sessionAnswer } from '../http/answers.ts'
import { shop } from '../stories/stage.ts'
import type { Entry, Journal } from './journal.ts'

/** Reads a stream; while the log is away it is asked again. */
export async function eventsOf(log: EventLog, stream: string): Promise<Recorded[]> {
  for (;;) {
    try {
      return await read(log, stream)
    } catch (error) {
      if ((error as { code?: string }).code !== 'log_unavailable') throw error
    }
  }
}

/** The steps of one login, as they were acknowledged: each is in the log, and the log says what was answered. */
export async function assertAcknowledged(log: EventLog, session: string, entries: readonly Entry[]): Promise<void> {
  const events = await eventsOf(log, `session-${session}`)
  const states: SessionState[] = []
  for (const event of events) states.push(evolve(states.at(-1), parseFact(sessionEvents, event)))
  const keys = new Set(entries.map(({ key }) => key))
  for (const { type, metadata } of events) {
    assert.ok(keys.has(metadata.$causationId) || metadata.actor === 'engine', `${session}: ${type} was asked for by nobody`)
  }

  for (const { url, key, body, status } of entries) {
    const told = body.session
    if (told?.id !== session) continue
    const where = `${url} (${key}), answered ${status} at revision ${told.revision}`
    const wrote = events.filter(({ metadata }) => metadata.$causationId === key)
    const [event, state] = [events[told.revision], states[told.revision]]
    assert.ok(event && state, `${where}: the log ends at revision ${events.length - 1}`)
    if (wrote.length === 0) {
      assert.ok(status >= 400, `${where}: acknowledged, and nothing was written`)
      continue
    }
    assert.equal(told.revision, wrote.at(-1)?.revision, `${where}: the request wrote ${wrote.map(({ type, revision }) => `${type} at ${revision}`).join(', ')}`)
    const { recoverUrl } = shop
    const folded = sessionAnswer({ session, view: state.view, revision: told.revision }, event.metadata.at, { recoverUrl })
    const answered = Object.fromEntries(Object.keys(folded).map((field) => [field, body[field]]))
    assert.deepEqual(answered, JSON.parse(JSON.stringify(folded)), `${where}: the log folds to another answer`)
  }
}

/** Every request whose answer can be had again has the same one. */
export async function assertRepeatable({ repeat }: Journal, entries: readonly Entry[]): Promise<void> {
  for (const entry of entries) {
    if (entry.key === null || entry.status >= 400 && !entry.body.session) continue
    const wrote = entry.status < 400 || ['password_rejected', 'otp_rejected', 'delivery_failed'].includes(entry.body.code ?? '')
    if (!wrote) continue
    const again = await repeat(entry)
    assert.deepEqual({ status: again.status, ...lasting(again.body) }, { status: entry.status, ...lasting(entry.body) }, `${entry.url} (${entry.key}) was answered otherwise the second time`)
  }
}

/** Less what is signed or looked up anew. */
function lasting({ signals: _, tokens, ...body }: Entry['body']): object {
  return { ...body, ...(tokens && { tokens: { ...tokens, accessToken: '' } }) }
}

/** Everything that was written since `after`. @returns how many events, and how many of some kinds */
export async function assertNothingDoubled(log: EventLog, after: string | undefined): Promise<Map<string, number>> {
  const ids = new Set<string>()
  const done = new Set<string>()
  const passkeys = new Set<string>()
  const revisions = new Map<string, number>()
  const counts = new Map<string, number>()
  for await (const { id, stream, type, revision, data, metadata } of log.readAll({ after, prefixes: ['session-', 'tokens-', 'account-', 'identifier-'] })) {
    const what = `${type} in ${stream} at ${revision}`
    assert.ok(!ids.has(id), `${what}: the event is in the log twice`)
    ids.add(id)
    assert.equal(revision, (revisions.get(stream) ?? -1) + 1, `${what}: out of order`)
    revisions.set(stream, revision)
    const act = `${stream} ${metadata.$causationId} ${type}`
    assert.ok(!done.has(act), `${what}: done twice for one key`)
    done.add(act)
    if (type === 'SessionCompleted' || type === 'AccountRegistered') {
      assert.ok(!done.has(`${stream} ${type}`), `${what}: twice`)
      done.add(`${stream} ${type}`)
    }
    if (type === 'PasskeyLinked') {
      assert.ok(!passkeys.has(String(data['passkey'])), `${what}: linked twice`)
      passkeys.add(String(data['passkey']))
    }
    if (type === 'PasskeyAppended') assert.ok(passkeys.has(String(data['passkey'])), `${what}: the account does not have it`)
    assert.notEqual(type, 'RefreshReused', `${what}: nobody has used a refresh token twice`)
    counts.set(type, (counts.get(type) ?? 0) + 1)
  }
  return counts.set('events', ids.size)
}
