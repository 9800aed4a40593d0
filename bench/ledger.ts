/**
 * `node run.mjs --dev bench/ledger.ts`: what the ledger costs a login, and how fast a log is walked.
 *   --pairs N     with it and without it, in turn (10)      --seconds N   of a window (5)
 *   --events N    to walk (200000)                          --hash stub   logins whose password costs nothing
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { leafOf } from '../audit/canonical.ts'
import { createTree, leafHash } from '../audit/merkle.ts'
import { walk, type KnownLeaf } from '../audit/walk.ts'
import type { NewEvent } from '../eventlog/event-log.ts'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { median, shown, spread } from './figures.ts'
import { measureLogins } from './logins.ts'

const { values } = parseArgs({
  options: { pairs: { type: 'string', default: '10' }, seconds: { type: 'string', default: '5' }, events: { type: 'string', default: '200000' }, hash: { type: 'string', default: 'argon2id' } },
})
const [pairs, seconds, events] = [Number(values.pairs), Number(values.seconds), Number(values.events)]

if (events > 0) await measureWalk(events)
if (pairs > 0) await measureCost(pairs, seconds, values.hash === 'stub' ? 'stub' : 'argon2id')

async function measureCost(pairs: number, seconds: number, hash: 'stub' | 'argon2id'): Promise<void> {
  const of = async (withoutLedger: boolean): Promise<number> => {
    const [measured] = await measureLogins({ store: 'SQLite + PGlite', hash, concurrency: [8], windows: 1, seconds, withoutLedger })
    return measured?.windows[0]?.engine ?? Number.NaN
  }
  const [ratios, bare, kept]: [number[], number[], number[]] = [[], [], []]
  for (let pair = 0; pair < pairs; pair += 1) {
    // The one that is measured second finds a warmer machine, or a busier one.
    const withLedgerFirst = pair % 2 === 0
    const first = await of(!withLedgerFirst)
    const second = await of(withLedgerFirst)
    const [ledger, none] = withLedgerFirst ? [first, second] : [second, first]
    kept.push(ledger)
    bare.push(none)
    ratios.push(ledger / none)
    console.error(`pair ${pair + 1}: ${shown(none)} ms without, ${shown(ledger)} ms with: ${shown((ledger / none - 1) * 100)} % more`)
  }
  console.log(`engine CPU per login (${hash}), ms: ${spread(bare)} without the ledger, ${spread(kept)} with it; of ${pairs} pairs the median is ${shown((median(ratios) - 1) * 100)} % more`)
}

/** Events of the size of a login's, a session of eight each. */
async function measureWalk(count: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'keyledger-walk-'))
  const log = openSqliteLog({ file: join(folder, 'events.sqlite') })
  try {
    const sessions = Math.ceil(count / 8)
    for (let from = 0; from < sessions; from += 500) {
      await Promise.all(Array.from({ length: Math.min(500, sessions - from) }, () => log.append(`session-${crypto.randomUUID()}`, Array.from({ length: 8 }, newEvent), 'none')))
    }
    const known: KnownLeaf[] = []
    const tree = createTree()
    let hashing = 0
    for await (const event of log.readAll({})) {
      const began = performance.now()
      const hash = leafHash(leafOf(event))
      tree.append(hash)
      hashing += performance.now() - began
      known.push({ stream: event.stream, revision: event.revision, hash })
    }
    async function* rows() {
      yield* known
    }
    const [rates, ofCpu]: [number[], number[]] = [[], []]
    for (let round = 0; round < 3; round += 1) {
      const [began, cpu] = [performance.now(), process.cpuUsage()]
      const { wrong, leaves } = await walk({ events: log.readAll({}), held: { size: tree.size, root: tree.root() }, known: rows() })
      if (wrong) throw new Error(wrong.reason)
      rates.push(leaves / ((performance.now() - began) / 1000))
      const { user, system } = process.cpuUsage(cpu)
      ofCpu.push(leaves / ((user + system) / 1e6))
    }
    console.log(`a walk over ${tree.size.toLocaleString('en')} events: ${spread(rates)} a second, ${spread(ofCpu)} a second of CPU; a leaf, canonical form and hashes: ${shown((hashing / tree.size) * 1000)} µs`)
  } finally {
    await log.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function newEvent(): NewEvent {
  const id = crypto.randomUUID()
  return {
    id,
    type: 'PasskeyVerified',
    data: {
      passkey: id.replaceAll('-', ''), challenge: `${id}${id}`.replaceAll('-', ''), account: id, userVerified: true, uvInitialized: true, backupEligible: true, backedUp: true, crossDevice: false,
      accountRevision: 7, mfa: false, contacts: ['email', 'sms'], pinHere: false, biometricsHere: true,
    },
    metadata: { at: '2026-03-02T08:00:00.000Z', actor: 'app:shop', $correlationId: id, $causationId: id, fingerprint: `${id}${id}`.slice(0, 43) },
  }
}
