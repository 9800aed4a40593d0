/** The thread that registrars.ts starts: an engine that registers what it is sent. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Config } from '../config.ts'
import type { Registration } from '../engine/accounts.ts'
import type { NewAccount } from '../engine/new-account.ts'
import { openEngine } from '../main.ts'

/** Who gave the command, and the act that it is. */
export type OnBehalf = { actor: string; causationId: string }
export type Given = { config: Config; behalf: OnBehalf }
export type ToRegistrar = { batch: number; accounts: readonly NewAccount[] } | 'close'
export type FromRegistrar = { batch: number; registrations: Registration[] } | { batch: number; failed: string } | 'closed'

const tell = (message: FromRegistrar) => parentPort!.postMessage(message)
const { config, behalf: { actor, causationId } } = workerData as Given
const opening = openEngine(config, {}, { history: async () => 'unavailable' })
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
    tell({ batch, registrations: await Promise.all(accounts.map((account) => engine.accounts.register(account, actor, { causationId }))) })
  } catch (error) {
    tell({ batch, failed: (error as Error).message })
  }
})
