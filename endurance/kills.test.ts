import { expect, test } from 'vitest'
import { endure, type Campaign } from './kills.ts'
import { startNode } from './node.ts'

/** How `EVENTSTOREDB_NODE` names a real node stands in `node.ts`. */
const prove = process.env['PROVE'] !== undefined
const seed = Number(process.env['PROVE_SEED'] ?? 4)

async function endured(campaign: Campaign): Promise<void> {
  const seen = await endure(campaign)
  if (prove) console.log(`seed ${campaign.seed}: ${JSON.stringify(seen)}`)
  // Otherwise nothing was shown.
  expect(seen.logins).toBeGreaterThan(0)
  expect(seen.sentAgain).toBeGreaterThan(0)
}

// An hour and a half is enough on a small machine that is busy with other things.
const [onSqlite, onNode, ofNode, timeout] = prove ? [1_000, 50, 50, 5_400_000] : [4, 3, 2, 180_000]

test(`Killed ${onSqlite} times under load on SQLite, the engine loses nothing that it acknowledged, and does nothing twice`, () =>
  endured({ kills: onSqlite, apps: 12, seed }), timeout)

test(`Killed ${onNode} times on EventStoreDB, and its node ${ofNode} times, it loses nothing either`, async () =>
  endured({ kills: onNode, nodeKills: ofNode, apps: 8, seed, node: await startNode(process.env['EVENTSTOREDB_NODE']) }), timeout)
