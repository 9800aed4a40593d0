/** `accounts import`. */
import type { Config } from '../config.ts'
import { parseIdentifier } from '../engine/identifier.ts'
import type { NewAccount } from '../engine/new-account.ts'
import { createTurns } from '../eventlog/turns.ts'
import { actorOf, becauseOf, type Given } from './because.ts'
import { openPeopleFile, type Format, type PersonRow } from './people-file.ts'
import { showProgress } from './progress.ts'
import { createRegistrars, threads } from './registrars.ts'

/** Rows that a thread is sent at once. */
const batchSize = 64
/** Batches under way: enough rows that a commit of the log is shared by many. */
const batchesAtOnce = threads * 8

type GoodRow = { row: number; account: NewAccount }

/** 0: everybody is there; 2: some rows were refused, each with a line of its own. It may be run again, also after a crash: what is there stays as it is. */
export async function importAccounts(config: Config, { file, format }: { file: string; format: Format }, given: Given): Promise<number> {
  const because = becauseOf(config, given)
  const { rows, share } = await openPeopleFile(file, format)
  const counts = { registered: 0, exists: 0, refused: 0 }
  const done = (): number => counts.registered + counts.exists + counts.refused
  const bar = showProgress('rows', () => ({ done: done(), share: share() }))
  const refuse = (row: number, reason: string): void => {
    counts.refused += 1
    bar.print(`row ${row}: ${reason}`)
  }
  // Not before the first rows were understood: a file that is none of ours is no import.
  let begun: Promise<string> | undefined
  const registrars = createRegistrars(config, actorOf(because))
  const inTurn = createTurns()

  const settle = async (batch: readonly GoodRow[]): Promise<void> => {
    const accounts = batch.map(({ account }) => account)
    // Rows that share an identifier are one person or a conflict: the first one in the file decides, whichever thread is faster.
    const names = new Set(accounts.flatMap(({ identifiers }) => identifiers.map((typed) => parseIdentifier(typed)?.value ?? typed)))
    const act = await (begun ??= registrars.act({ ...because, what: 'accounts import' }))
    const registrations = await inTurn([...names], () => registrars.register(accounts, act))
    for (const [index, registration] of registrations.entries()) {
      if (registration.outcome === 'refused') refuse(batch[index]!.row, registration.reason)
      else counts[registration.outcome] += 1
    }
  }

  const summary = (): string => `registered ${counts.registered}, already there ${counts.exists}, refused ${counts.refused}`
  try {
    await eachAtOnce(inBatches(rows, refuse), batchesAtOnce, settle)
  } catch (error) {
    if (done() === 0) throw error
    throw new Error(`${(error as Error).message}. Up to here: ${summary()}. Run it again: it goes on from there`, { cause: error })
  } finally {
    bar.end()
    await registrars.close()
  }
  console.log(summary())
  return counts.refused > 0 ? 2 : 0
}

async function* inBatches(rows: AsyncIterable<PersonRow>, refuse: (row: number, reason: string) => void): AsyncGenerator<GoodRow[]> {
  let batch: GoodRow[] = []
  for await (const row of rows) {
    if ('problem' in row) refuse(row.row, row.problem)
    else if (batch.push(row) === batchSize) {
      yield batch
      batch = []
    }
  }
  if (batch.length > 0) yield batch
}

/** Works on so many items at once, in their order, and reads no further ahead. After the first error it takes no more, and waits for what is under way. */
async function eachAtOnce<T>(items: AsyncGenerator<T>, most: number, work: (item: T) => Promise<void>): Promise<void> {
  let failed = false
  const worker = async (): Promise<void> => {
    while (!failed) {
      const next = await items.next()
      if (next.done) return
      await work(next.value)
    }
  }
  const workers = Array.from({ length: most }, () =>
    worker().catch((error: unknown) => {
      failed = true
      throw error
    }),
  )
  const ends = await Promise.allSettled(workers)
  await items.return(undefined)
  const broken = ends.find((end) => end.status === 'rejected')
  if (broken) throw broken.reason
}
