/**
 * A believable year of logins, in the order in which they happened: made-up people who do what people do, every decision taken by the domain. The same
 * seed, size and end give the same events, byte for byte.
 */
import type { Channel } from '../domain/session/vocabulary.ts'
import { createCalendar, type Calendar } from './calendar.ts'
import { createDice } from './dice.ts'
import { createIncidents } from './incidents.ts'
import { createQueue } from './queue.ts'
import { personOf, type Person } from './people.ts'
import type { Append } from './record.ts'
import { erase, register } from './registration.ts'
import { createRollout } from './rollout.ts'
import { createSeals } from './seals.ts'
import { visit } from './visit.ts'
import type { World } from './login.ts'
import type { MasterKeys } from '../vault/masters.ts'

/** `until`: the moment after the last one. */
export type Wanted = { seed: number; logins: number; until: Date }
export type Written = Append | { at: number; sealed: string }
export type Year = {
  masterKeys: MasterKeys
  calendar: Calendar
  people: number
  /** In the order of `at`. */
  appends(): Generator<Written>
  /** Logins begun so far. */
  sessions(): number
}

/** Some come once, some every other day. */
const loginsPerPerson = 4.6
/** Logins that come of others: second tries, the settings. */
const extra = 1.117

export function createYear({ seed, logins, until }: Wanted): Year {
  const calendar = createCalendar(until)
  const dice = createDice(seed)
  const reachable: ReadonlySet<Channel> = new Set<Channel>(['email', 'sms'])
  const seals = createSeals(dice.for(1))
  const world: World = { calendar, incidents: createIncidents(calendar), rollout: createRollout(calendar), seals, reachable }
  const count = Math.max(3, Math.round(logins / loginsPerPerson))
  let sessions = 0

  function* appends(): Generator<Written> {
    yield* seals.first(calendar.from)
    const people = Array.from({ length: count }, (_, number) => personOf(dice.for(number + 3), number, calendar))
    // So often a person of habit 1 comes in an hour of usual business, that all of them together come as often as is wanted.
    const perHour = logins / extra / people.reduce((sum, { habit, joined }) => sum + habit * calendar.hoursLeft(joined), 0)
    const nextVisit = (person: Person, from: number): number => calendar.after(from, person.dice.gap(1 / (person.habit * perHour)))

    /** What is to be written, and who comes: whatever is first. */
    const queue = createQueue<Written | Person>()
    for (const fact of world.rollout.facts(dice.for(2))) queue.add(fact.at, fact)
    for (const person of people) queue.add(person.joined, person)
    for (let next = queue.take(); next; next = queue.take()) {
      const { at, item } = next
      if (at >= calendar.until) continue
      if ('stream' in item || 'sealed' in item) {
        yield item
        continue
      }
      const write = (all: readonly Written[]): void => all.forEach((one) => queue.add(one.at, one))
      if (!item.account) {
        write(register(item, seals, at))
        // Whoever is there from the beginning comes when they always came; a newcomer comes to sign in.
        queue.add(item.imported || item.dice.chance(0.2) ? nextVisit(item, at + 60_000) : at + 20_000 + item.dice.below(300_000), item)
      } else if (at >= item.erasedAt) {
        write(erase(item, at))
        queue.add(at + 1_000, { at: at + 1_000, sealed: `key-${item.id}` })
      } else {
        const { appends: written, sessions: more, until: free } = visit(world, item, at)
        write(written)
        sessions += more
        queue.add(Math.max(nextVisit(item, at), free + 60_000), item)
      }
    }
  }
  return { masterKeys: seals.masterKeys, calendar, people: count, appends, sessions: () => sessions }
}
