/** `accounts export`. */
import { closeSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs'
import type { Config } from '../config.ts'
import { actorOf, becauseOf, type Given } from './because.ts'
import { findPerson } from './person.ts'
import { withEngine } from './with-engine.ts'

/** To `file`, for its owner alone, or to the terminal. 0: it is done. @throws Error also for a file that is there: it is somebody's */
export async function exportAccount(config: Config, { who, file }: { who: string; file: string | undefined }, given: Given): Promise<number> {
  const because = becauseOf(config, given, { always: true })
  return withEngine(config, async (engine) => {
    const { id } = await findPerson(engine, who)
    const gather = async (): Promise<string> => `${JSON.stringify(await engine.exportPerson(actorOf(because), because, id), null, 2)}\n`
    if (file === undefined) await print(await gather())
    else await writeNew(file, gather)
    return 0
  })
}

async function writeNew(file: string, gather: () => Promise<string>): Promise<void> {
  // Before anything is opened: it would be opened for nothing.
  const place = openSync(file, 'wx', 0o600)
  try {
    writeFileSync(place, await gather())
    fsyncSync(place)
  } catch (error) {
    rmSync(file)
    throw error
  } finally {
    closeSync(place)
  }
}

const print = (text: string): Promise<void> => new Promise((resolve, reject) => process.stdout.write(text, (error) => (error ? reject(error) : resolve())))
