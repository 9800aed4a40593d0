/** The thread that registrars.ts starts: an engine that registers what it is sent. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Config } from '../config.ts'
import type { Registration } from '../engine/accounts.ts'
import type { NewAccount } from '../engine/new-account.ts'
import { openEngine } from '../main.ts'

export type ToRegistrar = { batch: number; accounts: readonly NewAccount[] } | 'close'
export type FromRegistrar = { batch: number; registrations: Registration[] } | { batch: number; failed: string } | 'closed'

const tell = (message: FromRegistrar) => parentPort!.postMessage(message)
const opening = openEngine(workerData as Config, {}, { history: async () => 'unavailable' })
// Every batch is answered with it.
opening.catch(() => {})

parentPort!.on('message', async (message: ToRegistrar) => {
  if (message === 'close') {
    await opening.then(({ close }) => close(), () => {})
    return tell('closed')
  }
  const { batch, accounts } = message
  try {
    const { engine } = await opening
    tell({ batch, registrations: await Promise.all(accounts.map((account) => engine.accounts.register(account, 'cli:import'))) })
  } catch (error) {
    tell({ batch, failed: (error as Error).message })
  }
})
