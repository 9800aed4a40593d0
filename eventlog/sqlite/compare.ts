import type { SQLOutputValue } from 'node:sqlite'
import { openForReading } from './database.ts'

/**
 * What putting `backup` in the place of `current` would do. `lost`: events that the backup does not have, `acts` of them say that it was put back. `forked`:
 * they differ where both have something. `back`: streams that were sealed since, and whose content would come back.
 */
export type Comparison = { lost: number; acts: number; forked: boolean; back: string[] }

/** @throws Error for a file that is no log of ours, or that cannot be read */
export function compareSqliteLogs({ current, backup }: { current: string; backup: string }): Comparison {
  openForReading(backup).close()
  const db = openForReading(current)
  const ask = (sql: string): Record<string, SQLOutputValue>[] => db.prepare(sql).all()
  try {
    db.prepare('attach ? as backup').run(backup)
    // Positions are never given again. What was sealed or truncated is empty on one side, and no difference.
    const end = 'coalesce((select max(position) from backup.events), 0)'
    const [{ lost, acts } = { lost: 0, acts: 0 }] = ask(`select count(*) as lost,
      count(*) filter (where type = 'OperatorActed' and json_extract(data, '$.what') = 'log restore') as acts from main.events where position > ${end}`)
    const differs = "a.id <> b.id and a.id <> '' and b.id <> ''"
    const forked = ask(`select 1 from backup.events b left join main.events a on a.position = b.position where a.position is null or (${differs}) limit 1`).length > 0
    const back = ask('select b.name from backup.streams b join main.streams a on a.name = b.name where a.sealed = 1 and b.sealed = 0 order by b.name')
    return { lost: Number(lost), acts: Number(acts), forked, back: back.map(({ name }) => String(name)) }
  } finally {
    db.close()
  }
}

/** The names that are barred in this log. */
export function sealedStreams(file: string): string[] {
  const db = openForReading(file)
  try {
    return db.prepare('select name from streams where sealed = 1 order by number').all().map(({ name }) => String(name))
  } finally {
    db.close()
  }
}

/** The position of the last event; 0 where there is none. */
export function headOf(file: string): number {
  const db = openForReading(file)
  try {
    return Number(db.prepare('select coalesce(max(position), 0) as head from events').get()?.['head'])
  } finally {
    db.close()
  }
}
