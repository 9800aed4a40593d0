import { describe, expect, test } from 'vitest'
import { decideExpiry, decideSignOut } from './end.ts'
import type { SessionEvent } from './events.ts'
import { at, doing, facts, folded, given, type Command } from './given.ts'

const { entered, verified, offered, withheld, completed, expired, ended } = facts
const sweep: Command = (state, { now }) => decideExpiry(state, now)
const leave: Command = (state) => decideSignOut(state)

describe('A login that was not finished in time', () => {
  test('is said to be expired, from that moment on', () => {
    given(entered(), verified(), offered()).when(sweep, { now: at(899.999) }).then()
    given(entered(), verified(), offered()).when(sweep, { now: at(900) }).then(expired())
  })

  test('takes no step from that moment on, whether it was said or not', () => {
    given(entered()).when(doing.password, { now: at(900) }).refused('session_expired')
    given(entered(), expired()).when(doing.password).refused('session_expired')
  })
})

test('A login that the person leaves is ended, and says so to what comes late', () => {
  given(entered(), verified(), offered()).when(leave).then(ended('signed_out'))
  given(entered(), verified(), offered(), ended('signed_out')).when(doing.append_skip).refused({ refused: 'session_ended', reason: 'signed_out' })
})

describe('A login ends once', () => {
  const over: SessionEvent[] = [completed(), expired(), ended('signed_out'), ended('too_many_refusals')]

  test.each(over)('$type: neither the sweeper nor the person adds another end', (end) => {
    given(entered(), verified(), withheld(), end).when(sweep, { now: at(1000) }).then()
    given(entered(), verified(), withheld(), end).when(leave, { now: at(1000) }).then()
  })

  test.each(over)('$type: and no late end in the log changes it', (end) => {
    const first = [entered(), verified(), withheld(), end]
    for (const late of over) expect(folded([...first, late])).toEqual(folded(first))
  })
})
