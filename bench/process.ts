/** Programs of the bench run in processes of their own, so that what each costs can be told apart. They answer calls, one message each way. */
import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** `cpu`: µs of user and system time of the whole process since it started; `rss`: bytes. */
export type Usage = { cpu: number; user: number; rss: number }
export type Worker = {
  call<R>(name: string, argument?: unknown): Promise<R>
  usage(): Promise<Usage>
  readonly pid: number
  readonly stdout: Readable
  readonly stdin: Writable
  stop(): Promise<void>
}

type Call = { id: number; name: string; argument: unknown }
type Reply = { id: number; result?: unknown; error?: string }

/** With Node's flags of the bench itself, which are those that `npm start` gives the engine. `flags`: more of them, such as `--cpu-prof`. */
export function startWorker(program: string, flags: readonly string[] = []): Worker {
  const child: ChildProcess = spawn(process.execPath, [...process.execArgv, ...flags, join(import.meta.dirname, program)], {
    stdio: ['pipe', 'pipe', 'inherit', 'ipc'],
  })
  const waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
  let calls = 0
  child.on('message', ({ id, result, error }: Reply) => {
    const { resolve, reject } = waiting.get(id) ?? {}
    waiting.delete(id)
    if (error === undefined) resolve?.(result)
    else reject?.(new Error(`${program}: ${error}`))
  })
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code) => {
      for (const { reject } of waiting.values()) reject(new Error(`${program} ended with ${code}`))
      resolve()
    })
  })
  const call = <R>(name: string, argument?: unknown): Promise<R> =>
    new Promise((resolve, reject) => {
      waiting.set((calls += 1), { resolve: resolve as (result: unknown) => void, reject })
      child.send({ id: calls, name, argument } satisfies Call)
    })
  return {
    call,
    usage: () => call('usage'),
    pid: child.pid as number,
    stdout: child.stdout as Readable,
    stdin: child.stdin as Writable,
    async stop() {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

/** The other end: answers calls until the one who asks hangs up, then `close`. */
export function answerCalls(answers: Record<string, (argument: never) => unknown>, close: () => Promise<void>): void {
  const all: typeof answers = { usage, ...answers }
  process.on('message', ({ id, name, argument }: Call) => {
    const answer = async () => (all[name] as (argument: unknown) => unknown)(argument)
    answer().then(
      (result) => process.send?.({ id, result } satisfies Reply),
      (error: unknown) => process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) } satisfies Reply),
    )
  })
  process.on('disconnect', () => void close().then(() => process.exit(0)))
}

function usage(): Usage {
  const { user, system } = process.cpuUsage()
  return { cpu: user + system, user, rss: process.memoryUsage.rss() }
}
