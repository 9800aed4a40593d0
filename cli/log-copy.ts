/** `log copy`: an embedded log moves into EventStoreDB. The engine must be stopped. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { leafOf, noLeaves } from '../audit/canonical.ts'
import { createTree, leafHash } from '../audit/merkle.ts'
import type { Config } from '../config.ts'
import { ensureDataFolder, lockDataFolder } from '../data-folder.ts'
import { createActs } from '../engine/acts.ts'
import { copyLog } from '../eventlog/copy.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import { openEventStoreDb } from '../eventlog/eventstoredb.ts'
import { sealedStreams } from '../eventlog/sqlite/compare.ts'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { createStreams } from '../eventlog/transact.ts'
import { actorOf, becauseOf, type Given } from './because.ts'
import { showProgress } from './progress.ts'

/** 0: all of it is there, under the same root. It may be broken off and given again at any point. @throws NotThisLog for a target that has something else */
export async function moveLog(config: Config, url: string, given: Given): Promise<number> {
  if (config.eventStoreDbUrl !== undefined) throw new Error('this command copies the embedded log: give it no EVENTSTOREDB_URL, but --to')
  const because = becauseOf(config, given)
  const to = openEventStoreDb({ url })
  try {
    const folder = ensureDataFolder(config.dataFolder)
    if (!existsSync(folder.log)) throw new Error(`there is no log in ${config.dataFolder}`)
    const lock = lockDataFolder(folder)
    const from = openSqliteLog({ file: folder.log })
    try {
      // Looked at before anything is written here: a target that is out of reach leaves nothing behind.
      const total = await counted(from)
      await isReached(to)
      const streams = createStreams({ log: from, now: () => new Date(), newId: randomUUID })
      await createActs({ streams, newId: randomUUID })(actorOf(because), { ...because, what: 'log copy' })
      let done = 0
      const began = performance.now()
      const bar = showProgress('events', () => ({ done, share: Math.min(1, done / (total + 1)) }))
      const { events, written } = await copyLog({ from, to, sealed: sealedStreams(folder.log), onProgress: (reached) => (done = reached) }).finally(bar.end)
      console.log(`${events} events are there, ${written} of them written now, ${Math.round(written / Math.max((performance.now() - began) / 1000, 0.001))}/s`)
      return (await isTheSame(from, to)) ? 0 : 2
    } finally {
      await from.close()
      lock.release()
    }
  } finally {
    await to.close()
  }
}

async function counted(log: EventLog): Promise<number> {
  let events = 0
  for await (const _ of log.readAll({})) events += 1
  return events
}

/** @throws Unavailable */
async function isReached(log: EventLog): Promise<void> {
  for await (const _ of log.readAll({})) return
}

/** Read again from both: what was signed of the one holds for the other. */
async function isTheSame(from: EventLog, to: EventLog): Promise<boolean> {
  const [here, there] = [await treeOf(from), await treeOf(to)]
  const same = here.size === there.size && here.root().equals(there.root())
  console.log(same ? `The tree is the same: ${there.size} events, root ${there.root().toString('base64')}` : 'WRONG: the target has another tree. Begin again with an empty one.')
  if (same) console.log('Start the engine with EVENTSTOREDB_URL, the same master key and an empty projection database. Never start it on this data folder again: two histories would begin here.')
  return same
}

async function treeOf(log: EventLog) {
  const tree = createTree()
  for await (const event of log.readAll({ except: noLeaves })) tree.append(leafHash(leafOf(event)))
  return tree
}
