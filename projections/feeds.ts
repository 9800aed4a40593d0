/** How far each feed is, and which engine sends it: one at a time, so that the order is kept. By the database's clock, which all of them have. */
import type { Sql } from 'postgres'

/** Seconds for which an engine that says nothing is taken to be at work. */
const leaseSeconds = 60

export const createFeedRows = (sql: Sql) => {
  let made = false
  return {
    /** This engine sends the feed from here on, or goes on to; 'elsewhere' while another one does. @returns the position after which it goes on; undefined: from the start */
    async take(feed: string, holder: string): Promise<{ position: string | undefined } | 'elsewhere'> {
      if (!made) await sql.unsafe('create table if not exists feeds (feed text primary key, position text, holder text not null, until timestamptz not null)')
      made = true
      const [row] = await sql<{ position: string | null }[]>`
        insert into feeds (feed, holder, until) values (${feed}, ${holder}, now() + make_interval(secs => ${leaseSeconds}))
        on conflict (feed) do update set holder = excluded.holder, until = excluded.until where feeds.holder = excluded.holder or feeds.until <= now()
        returning position`
      return row ? { position: row.position ?? undefined } : 'elsewhere'
    },

    /** False when another engine has taken over: it sends again what this one has just sent. */
    async move(feed: string, holder: string, position: string): Promise<boolean> {
      const moved = await sql`
        update feeds set position = ${position}, until = now() + make_interval(secs => ${leaseSeconds}) where feed = ${feed} and holder = ${holder} returning 1`
      return moved.length > 0
    },

    /** Another engine may go on at once. */
    async leave(feed: string, holder: string): Promise<void> {
      if (made) await sql`update feeds set until = now() where feed = ${feed} and holder = ${holder}`
    },
  }
}
