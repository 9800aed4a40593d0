/** The thread that registrars.ts starts: an engine that registers what it is sent. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Config } from '../config.ts'
import type { Registration } from '../engine/accounts.ts'
import type { NewAccount } from '../engine/new-account.ts'
import { openEngine } from '../main.ts'

export type ToRegistrar = { batch: number; accounts: readonly NewAccount[] } | 'close'
export type FromRegistrar = { batch: number } & ({ registrations: Registration[] } | { failed: string })

const port = parentPort!
const opening = openEngine(workerData as Config, {}, async () => 'unavailable')
// Every batch is answered with it.
opening.catch(() => {})

port.on('message', async (message: ToRegistrar) => {
  if (message === 'close') {
    await opening.then(({ close }) => close(), () => {})
    return port.close()
  }
  const { batch, accounts } = message
  const answer = (result: { registrations: Registration[] } | { failed: string }) => port.postMessage({ batch, ...result } satisfies FromRegistrar)
  try {
    const { engine } = await opening
    answer({ registrations: await Promise.all(accounts.map((account) => engine.accounts.register(account, 'cli:import'))) })
  } catch (error) {
    answer({ failed: (error as Error).message })
  }
})
