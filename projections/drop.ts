import type { Sql } from 'postgres'

/** Everything that comes again from the log, in this database, and how far witnesses of the ledger and feeds are. Guesses stay: no event tells of them. */
export async function dropProjections(sql: Sql): Promise<void> {
  await sql.unsafe(`
    select pg_advisory_xact_lock(hashtext('projection_checkpoints'));
    do $$ declare name text; begin
      if to_regclass('projection_checkpoints') is not null then
        for name in select projection from projection_checkpoints loop execute format('drop table if exists %I cascade', name); end loop;
      end if;
      drop table if exists projection_checkpoints, projection_parked, projection_serving, projection_scratch, ledger_witnesses, feeds;
    end $$`)
}
