/** After the logins: what was signed of them is what the log still says, in any store. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { noLeaves } from '../audit/canonical.ts'
import { openCheckpoint, verifierOf } from '../audit/note.ts'
import { walk } from '../audit/walk.ts'
import type { Recorded } from '../eventlog/event-log.ts'
import type { Story } from './chapters.ts'

export const auditing: Story[] = [
  ['what was signed of every login is what the log still says, and a login that somebody changed afterwards is found out', async ({ checkpoints, engine: { ledger }, log, passTime }) => {
    await passTime(61)
    let events: Recorded[] = []
    // The tree is filled a moment later, and may be signed by the engine's own round.
    for (let looks = 0; looks < 600; looks += 1) {
      await checkpoints.round()
      events = []
      for await (const event of log.readAll({ except: noLeaves })) events.push(event)
      if ((await ledger.state()).size === events.length) break
      await passTime(61)
      await sleep(20)
    }
    const { size, note, vkey } = await ledger.state()
    assert.ok(note !== undefined && size === events.length && size > 0)
    const held = openCheckpoint(note, verifierOf(vkey))
    async function* told(some: readonly Recorded[]) {
      yield* some
    }
    assert.equal((await walk({ events: log.readAll({}), held })).wrong, undefined)
    const changed = events.map((event) => (event.type === 'PasswordRejected' ? { ...event, type: 'PasswordVerified' } : event))
    assert.notDeepEqual(changed, events)
    assert.notEqual((await walk({ events: told(changed), held })).wrong, undefined)
    assert.notEqual((await walk({ events: told(events.slice(0, -1)), held })).wrong, undefined)
  }],
]
