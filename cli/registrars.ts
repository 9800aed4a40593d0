/** Threads that register people for an import: sealing and the log's commits keep one core busy. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Config } from '../config.ts'
import type { Act } from '../engine/acts.ts'
import type { Registration } from '../engine/accounts.ts'
import type { NewAccount } from '../engine/new-account.ts'
import type { Done, FromRegistrar, Given, Task, ToRegistrar } from './registrar-worker.ts'

/** SQLite has one writer at a time: more threads would wait for each other. */
export const threads = Math.min(availableParallelism(), 3)

export type Registrars = {
  /** Writes down who imports, and why. @returns the id of the act @throws Error as `register` */
  act(act: Act): Promise<string>
  /** They take effect in their order. @throws Error when the log is out of reach or cannot be opened; some of it may be done, repeat it */
  register(accounts: readonly NewAccount[], act: string): Promise<Registration[]>
  close(): Promise<void>
}

/** Another thread is started when those that run are busy. */
export function createRegistrars(config: Config, actor: string): Registrars {
  const running: Registrar[] = []
  const next = (): Registrar => {
    if (running.length < threads && running.every(({ tasks }) => tasks.size > 0)) running.push(startRegistrar(config, actor))
    return running.reduce((least, one) => (one.tasks.size < least.tasks.size ? one : least))
  }
  return {
    act: async (act) => ((await next().perform({ act })) as { id: string }).id,
    register: async (accounts, causationId) => ((await next().perform({ accounts, causationId })) as { registrations: Registration[] }).registrations,
    close: async () => {
      await Promise.all(running.map((one) => one.close()))
    },
  }
}

type Registrar = ReturnType<typeof startRegistrar>

function startRegistrar(config: Config, actor: string) {
  const worker = new Worker(new URL('./registrar-worker.ts', import.meta.url), { workerData: { config, actor } satisfies Given })
  const send = (message: ToRegistrar) => worker.postMessage(message)
  const tasks = new Map<number, PromiseWithResolvers<Done>>()
  let sent = 0
  const closed = Promise.withResolvers<void>()
  let broken: Error | undefined
  const fail = (error: Error): void => {
    broken ??= error
    tasks.forEach(({ reject }) => reject(error))
  }
  worker.on('error', fail)
  worker.on('exit', () => {
    fail(new Error('a thread of the import ended'))
    closed.resolve()
  })
  worker.on('message', (message: FromRegistrar) => {
    if (message === 'closed') return closed.resolve()
    const waiting = tasks.get(message.number)
    tasks.delete(message.number)
    if ('failed' in message) waiting?.reject(new Error(message.failed))
    else waiting?.resolve(message.done)
  })
  return {
    tasks,
    perform(task: Task): Promise<Done> {
      if (broken) return Promise.reject(broken)
      const waiting = Promise.withResolvers<Done>()
      tasks.set((sent += 1), waiting)
      send({ number: sent, ...task })
      return waiting.promise
    },
    async close(): Promise<void> {
      send('close')
      await closed.promise
      await worker.terminate()
    },
  }
}
