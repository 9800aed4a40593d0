/** The thread that registrars.ts starts: an engine that registers what it is sent. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Config } from '../config.ts'
import type { Act } from '../engine/acts.ts'
import type { Registration } from '../engine/accounts.ts'
import type { Engine } from '../engine/engine.ts'
import type { NewAccount } from '../engine/new-account.ts'
import { openEngine } from '../open-engine.ts'

/** `actor`: who gave the command. */
export type Given = { config: Config; actor: string }
/** An act to be written down; or accounts, and the act that brings them about. */
export type Task = { act: Act } | { accounts: readonly NewAccount[]; causationId: string }
export type Done = { id: string } | { registrations: Registration[] }
export type ToRegistrar = (Task & { number: number }) | 'close'
export type FromRegistrar = { number: number; done: Done } | { number: number; failed: string } | 'closed'

const tell = (message: FromRegistrar) => parentPort!.postMessage(message)
const { config, actor } = workerData as Given
const opening = openEngine(config, {}, { history: async () => 'unavailable' })
// Every task is answered with it.
opening.catch(() => {})

parentPort!.on('message', async (message: ToRegistrar) => {
  if (message === 'close') {
    await opening.then(({ close }) => close(), () => {})
    return tell('closed')
  }
  const { number, ...task } = message
  try {
    tell({ number, done: await perform((await opening).engine, task) })
  } catch (error) {
    tell({ number, failed: (error as Error).message })
  }
})

async function perform(engine: Engine, task: Task): Promise<Done> {
  if ('act' in task) return { id: await engine.act(actor, task.act) }
  const { accounts, causationId } = task
  return { registrations: await Promise.all(accounts.map((account) => engine.accounts.register(account, actor, { causationId }))) }
}
