/** Threads that register people for an import: sealing and the log's commits keep one core busy. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Config } from '../config.ts'
import type { Registration } from '../engine/accounts.ts'
import type { NewAccount } from '../engine/new-account.ts'
import type { FromRegistrar, Given, OnBehalf, ToRegistrar } from './registrar-worker.ts'

/** SQLite has one writer at a time: more threads would wait for each other. */
export const threads = Math.min(availableParallelism(), 3)

export type Registrars = {
  /** They take effect in their order. @throws Error when the log is out of reach or cannot be opened; some of it may be done, repeat it */
  register(accounts: readonly NewAccount[]): Promise<Registration[]>
  close(): Promise<void>
}

/** Another thread is started when those that run are busy. */
export function createRegistrars(config: Config, behalf: OnBehalf): Registrars {
  const running: Registrar[] = []
  const next = (): Registrar => {
    if (running.length < threads && running.every(({ batches }) => batches.size > 0)) running.push(startRegistrar(config, behalf))
    return running.reduce((least, one) => (one.batches.size < least.batches.size ? one : least))
  }
  return {
    register: (accounts) => next().register(accounts),
    close: async () => {
      await Promise.all(running.map((one) => one.close()))
    },
  }
}

type Registrar = ReturnType<typeof startRegistrar>

function startRegistrar(config: Config, behalf: OnBehalf) {
  const worker = new Worker(new URL('./registrar-worker.ts', import.meta.url), { workerData: { config, behalf } satisfies Given })
  const send = (message: ToRegistrar) => worker.postMessage(message)
  const batches = new Map<number, PromiseWithResolvers<Registration[]>>()
  let sent = 0
  const closed = Promise.withResolvers<void>()
  let broken: Error | undefined
  const fail = (error: Error): void => {
    broken ??= error
    batches.forEach(({ reject }) => reject(error))
  }
  worker.on('error', fail)
  worker.on('exit', () => {
    fail(new Error('a thread of the import ended'))
    closed.resolve()
  })
  worker.on('message', (message: FromRegistrar) => {
    if (message === 'closed') return closed.resolve()
    const waiting = batches.get(message.batch)
    batches.delete(message.batch)
    if ('failed' in message) waiting?.reject(new Error(message.failed))
    else waiting?.resolve(message.registrations)
  })
  return {
    batches,
    register(accounts: readonly NewAccount[]): Promise<Registration[]> {
      if (broken) return Promise.reject(broken)
      const waiting = Promise.withResolvers<Registration[]>()
      batches.set((sent += 1), waiting)
      send({ batch: sent, accounts })
      return waiting.promise
    },
    async close(): Promise<void> {
      send('close')
      await closed.promise
      await worker.terminate()
    },
  }
}
