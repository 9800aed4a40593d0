/** Everything that must hold of a log, from its first event to its last, in sentences. */
import { createExamination, type Fault } from '../audit/examination.ts'
import { heldBy, keysOf, readCheckpoints, type LogCheckpoints } from '../audit/log-checkpoints.ts'
import { walkHashed, type Held, type Walked } from '../audit/walk.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import { headOf } from '../eventlog/sqlite/compare.ts'
import type { LedgerTable } from '../projections/ledger/table.ts'
import { createTableCheck, leavesOf, type TableFault } from './ledger-rows.ts'
import { stepsOf, stepsOfFile, threadsFor, type LogStep } from './log-steps.ts'
import { keysLost } from './lost-keys.ts'
import { showProgress } from './progress.ts'
import type { KeyNeeded } from './stored-events.ts'

/** What somebody holds from elsewhere: a signed note, and a verifier key. */
export type Holding = { note?: string | undefined; key?: string | undefined }
export type Verdict = 'right' | 'wrong' | 'not covered'

/** `file`: where the log is one: it is then read by several threads. @throws Unavailable for a log that cannot be read */
export async function verifyEvents(log: EventLog, { note, key }: Holding, { table, file }: { table?: LedgerTable; file?: string | undefined } = {}): Promise<Verdict> {
  // In this order: what the table and the checkpoints cover is in the log already when the walk begins.
  const rows = await table?.size()
  const own = await readCheckpoints(log)
  keysOf(own.first, own.handovers, key)
  const held = note === undefined ? undefined : heldBy(own, note, key)
  const marks: readonly Held[] = [...own.checkpoints, ...(held ? [held] : [])].toSorted((a, b) => a.size - b.size)
  const newest = marks.at(-1) ?? nothing
  const expected = Math.max(newest.size, rows ?? 0)
  const began = performance.now()
  const pass = (parts: Pick<Parameters<typeof walkHashed<LogStep>>[0], 'known' | 'onLeaf'>) => passOver(log, file, { held: newest, others: marks, ...parts }, expected)
  const tableFaults: TableFault[] = []
  let passed: Passed
  try {
    const check = table && rows ? createTableCheck(table, rows) : undefined
    passed = await pass(check ? { onLeaf: check.onLeaf } : {})
    // Once more, row by row: what is wrong is named by the table, or is wrong in it.
    if (table && rows && (passed.walked.wrong || (await check?.differs()))) passed = await pass({ known: leavesOf(table, rows, (fault) => tableFaults.push(fault)) })
  } catch (error) {
    if (!/^.+, revision \d+: the stored event is not JSON$/.test((error as Error).message)) throw error
    console.log(`WRONG: ${(error as Error).message}`)
    return 'wrong'
  }
  const { walked, examination } = passed
  const seconds = (performance.now() - began) / 1000
  const { events, streams, faults, first } = examination.result()
  console.log(`${events} events of ${streams} streams, ${Math.round(events / Math.max(seconds, 0.001))}/s; the tree of ${walked.leaves} has the root ${walked.root.toString('base64')}`)
  const wrong = [
    ...own.faults.map(sentenceOf),
    ...wrongOf(walked, own, held),
    ...(first === undefined ? [] : [`${sentenceOf(first)}${faults > 1 ? ` (and ${faults - 1} more)` : ''}`]),
    ...tableSentences(walked, tableFaults),
  ]
  for (const one of wrong) console.log(`WRONG: ${one}`)
  if (wrong.length > 0) return 'wrong'
  for (const one of coverage(walked, own, held, newest, key)) console.log(one)
  return walked.uncovered.events > 0 ? 'not covered' : 'right'
}

type Passed = { walked: Walked; examination: ReturnType<typeof createExamination> }

/** From the first event to the last. */
async function passOver(log: EventLog, file: string | undefined, options: Pick<Parameters<typeof walkHashed<LogStep>>[0], 'held' | 'others' | 'known' | 'onLeaf'>, expected: number): Promise<Passed> {
  const needed = new Map<string, KeyNeeded & { at: Omit<Fault, 'reason'> }>()
  const keys = new Set<string>()
  const examination = createExamination()
  const onEvent = (step: LogStep): void => {
    const { stream, revision, needs } = step
    examination.look(step)
    if (stream.startsWith('key-')) keys.add(stream.slice('key-'.length))
    for (const one of needs) if (!needed.has(one.key)) needed.set(one.key, { ...one, at: { stream, revision } })
  }
  const end = file === undefined ? 0 : headOf(file)
  const events = file === undefined || threadsFor(end) < 2 ? stepsOf(log) : stepsOfFile(file, end, threadsFor(end))
  let done = 0
  const bar = showProgress('events', () => ({ done, share: expected === 0 ? undefined : Math.min(1, done / expected) }))
  const walked = await walkHashed({ ...options, events, hashOf: ({ hash }) => hash, onEvent, onProgress: (leaves) => (done = leaves) }).finally(bar.end)
  for (const fault of await keysLost(log, [...needed.values()].filter((one) => !keys.has(one.key)))) examination.found(fault)
  return { walked, examination }
}

const nothing: Held = { size: 0, root: new Uint8Array() }

const sentenceOf = ({ stream, revision, reason }: Fault): string => `${stream}, revision ${revision}: ${reason}`
const named = (event: Omit<Fault, 'reason'> | undefined): string | undefined => event && `${event.stream}, revision ${event.revision}`

/** What the tree says. The checkpoints that were met bound the place where it goes wrong. */
function wrongOf({ wrong, missed, leaves }: Walked, { stream, checkpoints }: LogCheckpoints, held: Held | undefined): string[] {
  if (wrong) {
    const { index, before, exact, expected, found, reason } = wrong
    if (exact) return [`${named(expected ?? found)}: ${reason}${expected && found && named(expected) !== named(found) ? ` (${named(found)})` : ''}`]
    return [`between leaf ${index} and leaf ${before}${found ? `, at the latest with ${named(found)}` : ''}: ${reason}`]
  }
  const other = held !== undefined && held.size <= leaves && missed.includes(held.size)
  if (other) return [`the events are not those of the checkpoint that you hold (${held.size} events), but those of a later one of the log's own: another history was signed`]
  const [size] = missed
  if (size === undefined) return []
  return [`${stream}, revision ${checkpoints.find((one) => one.size === size)?.number}: the events are not those that it covers (${size}), but those of a later checkpoint`]
}

function tableSentences({ table }: Walked, faults: readonly TableFault[]): string[] {
  const again = 'build it again (projections rebuild ledger)'
  if (table) return [`the table of the ledger differs from the log at leaf ${table.index}, ${named(table.expected ?? table.found)}: ${table.reason}. As far as a checkpoint covers it the log is right: ${again}`]
  return faults.slice(0, 1).map(({ index }) => `the table of the ledger has other hashes above leaf ${index} than those below them make: ${again}`)
}

function coverage({ uncovered }: Walked, { checkpoints }: LogCheckpoints, held: Held | undefined, newest: Held, key: string | undefined): string[] {
  return [
    newest.size === 0 ? 'Nothing was signed yet.' : `The first ${newest.size} events are as they were when they were signed; ${checkpoints.length} checkpoints of the log's own hold.`,
    ...(held ? [`Those that the checkpoint you hold covers (${held.size}) are as they were then.`] : newest.size > 0 ? ['Nothing of it was held against a checkpoint from elsewhere (--checkpoint).'] : []),
    ...(key === undefined && newest.size > 0 ? ['The key is the one that the log itself names: compare it with one that you hold (--key).'] : []),
    ...(uncovered.events > 0 ? [`Not yet covered: ${uncovered.events} events since ${uncovered.since}.`] : []),
  ]
}
