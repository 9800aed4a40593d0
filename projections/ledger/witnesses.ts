/** How far each witness is. Where the rows were lost with the database, a witness goes on with the newest checkpoint, which covers all before it. */
import type { Sql } from 'postgres'
import { ifThere } from '../store.ts'

/** `number`: of the last checkpoint that it took, and when. */
export type Told = { number: number; at: string }

export const createWitnessRows = (sql: Sql) => ({
  told: async (witness: string): Promise<Told | undefined> => {
    const [row] = await ifThere(sql<Told[]>`select number, at from ledger_witnesses where witness = ${witness}`)
    return row
  },
  tell: async (witness: string, { number, at }: Told): Promise<void> => {
    await sql.unsafe('create table if not exists ledger_witnesses (witness text primary key, number integer not null, at timestamptz not null)')
    await sql`insert into ledger_witnesses (witness, number, at) values (${witness}, ${number}, ${at})
      on conflict (witness) do update set number = excluded.number, at = excluded.at`
  },
})
