/** The engine for one command: the same log and keys as the one that serves, and no listener. */
import type { Config } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import { openEngine } from '../open-engine.ts'

export async function withEngine<T>(config: Config, work: (engine: Engine, log: EventLog) => Promise<T>): Promise<T> {
  const { engine, log, close } = await openEngine(config, {}, { history: async () => 'unavailable' })
  try {
    return await work(engine, log)
  } finally {
    await close()
  }
}
