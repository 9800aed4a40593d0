/**
 * All projections made anew from a log, into Postgres and into PGlite, beside reading that log and beside COPY into one table. Events/s are the log's:
 * those of streams that no projection reads, such as keys, are passed over within the file.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { startPostgres } from '../projections/testing-postgres.ts'
import { writeYear } from '../synthetic/write.ts'
import { createYear } from '../synthetic/year.ts'
import { median, shown, spread, table } from './figures.ts'
import { startWorker } from './process.ts'
import type { RebuildFigures, RebuildOptions } from './rebuild-process.ts'

export type Rebuilds = { into: 'Postgres' | 'PGlite'; size: number; events: number; rows: number; empty: number[]; same: number[]; cpu: number[]; reads: number[]; copies: number[]; peak: number }

const eventsPerLogin = 10
/** The room that `run.mjs` gives a command. */
const asCommand = ['--max-semi-space-size=64']
const until = new Date('2026-11-01T00:00:00.000Z')

/** A log of each of the sizes, read into each database `windows` times: into no tables, and over the rows that are there. */
export async function measureRebuilds({ windows, sizes }: { windows: number; sizes: readonly number[] }): Promise<Rebuilds[]> {
  const folder = mkdtempSync(join(tmpdir(), 'keyledger-rebuild-'))
  const postgres = await startPostgres()
  const measured: Rebuilds[] = []
  try {
    for (const size of sizes) {
      const file = join(folder, `${size}.sqlite`)
      const log = openSqliteLog({ file })
      const { events } = await writeYear(log, createYear({ seed: 6, logins: Math.round(size / eventsPerLogin), until }))
      await log.close()
      process.stderr.write(`a year of ${events} events\n`)
      for (const into of ['Postgres', 'PGlite'] as const) {
        const where = into === 'Postgres' ? { url: await postgres.createDatabase() } : { folder: join(folder, `pglite-${size}`) }
        // The limits are measured by a process of their own, so that they do not count in the memory of the other one.
        const [ours, limits] = [startWorker('rebuild-process.ts', asCommand), startWorker('rebuild-process.ts', asCommand)]
        const one: Rebuilds = { into, size: events, events: 0, rows: 0, empty: [], same: [], cpu: [], reads: [], copies: [], peak: 0 }
        try {
          await ours.call('open', { file, ...where } satisfies RebuildOptions)
          if (into === 'Postgres') await limits.call('open', { file, ...where } satisfies RebuildOptions)
          // In turn, so that a machine whose speed drifts does not favour one of them.
          for (let window = 0; window < windows; window += 1) {
            for (const kind of ['empty', 'same'] as const) {
              const { events: read, rows, seconds, cpu, peak } = await ours.call<RebuildFigures>('rebuild', { empty: kind === 'empty' })
              one[kind].push(events / seconds)
              one.cpu.push(cpu / read)
              Object.assign(one, { events: read, rows, peak })
            }
            if (into === 'PGlite') continue
            one.reads.push(await limits.call('read'))
            one.copies.push(await limits.call('copy'))
          }
        } finally {
          await ours.stop()
          await limits.stop()
        }
        process.stderr.write(`${into}, ${events} events: ${shown(median(one.empty))} and ${shown(median(one.same))} events/s\n`)
        measured.push(one)
      }
    }
    return measured
  } finally {
    await postgres.remove()
    rmSync(folder, { recursive: true, force: true })
  }
}

export function rebuildsTable(measured: readonly Rebuilds[]): string {
  const limits = (size: number): Pick<Rebuilds, 'reads' | 'copies'> => measured.find((one) => one.size === size && one.reads.length > 0) ?? { reads: [], copies: [] }
  const share = (ours: readonly number[], theirs: readonly number[]): string => `${Math.round((median(ours) / median(theirs)) * 100)} %`
  return table(
    ['into', 'events in the log', 'read', 'rows', 'events/s, no tables there', 'events/s, same rows there', 'CPU µs/event read', 'of reading the log', 'of COPY into one table', 'peak RSS MB'],
    measured.map(({ into, size, events, rows, empty, same, cpu, peak }) => [
      into, shown(size), shown(events), shown(rows), spread(empty), spread(same), spread(cpu), share(empty, limits(size).reads), share(empty, limits(size).copies), shown(peak / 1e6),
    ]),
  )
}
