/** `accounts erase`. */
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import type { Asking } from '../engine/account-changes.ts'
import { accountStream } from '../engine/people.ts'
import { actorOf, becauseOf, type Given } from './because.ts'
import { findPerson, type Found } from './person.ts'
import { withEngine } from './with-engine.ts'

/** ms. What is pending is tried again after these: a log that is restarted is back by then. */
const patience: readonly number[] = [1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]

type Ways = {
  /** An id, or an identifier. */
  who: string
  /** Nobody is asked to type the id again. */
  yes: boolean
  /** Where it is typed. */
  input?: Readable
}

/** 0: it is done; 2: the id was not typed again, and nothing was done; 3: it is pending, run it again. */
export async function eraseAccount(config: Config, { who, yes, input = process.stdin }: Ways, given: Given, { pauses = patience, open = withEngine } = {}): Promise<number> {
  const because = becauseOf(config, given, { always: true })
  return open(config, async (engine) => {
    const person = await findPerson(engine, who)
    if (!yes && !(await confirmed(person, input))) {
      console.error('Not erased: this is not its id.')
      return 2
    }
    const act = await engine.act(actorOf(because), { ...because, what: 'accounts erase', subject: accountStream(person.id) })
    const asking: Asking = { actor: actorOf(because), secret: act, key: act }
    for (let tries = 0; ; tries += 1) {
      if ((await engine.administration.erase(asking, person.id)) === 'done') break
      const pause = pauses[tries]
      if (pause === undefined) {
        console.error(`pending: account ${person.id} is refused everywhere, and its keys are not gone yet. Run this again, with its id`)
        return 3
      }
      console.error(`pending, again in ${pause / 1000} s`)
      await sleep(pause)
    }
    console.log(`done: nothing of account ${person.id} can be read any more${config.eventStoreDbUrl === undefined ? '' : '. The bytes of its key leave the disks with the next scavenge'}`)
    return 0
  })
}

/** On a terminal or through a pipe: a line with the id. */
async function confirmed({ id, state }: Found, input: Readable): Promise<boolean> {
  const again = state.status === 'erased' ? ', whose erasure has begun' : ''
  process.stderr.write(`Account ${id}${again}, registered ${state.registeredAt}. What is sealed for it can never be read again. Type its id to erase it: `)
  const lines = createInterface({ input })
  for await (const line of lines) return line.trim().toLowerCase() === id
  return false
}
