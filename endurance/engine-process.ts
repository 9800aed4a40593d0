/** The engine as an operator runs it: `main.ts` in a process of its own, told everything by its environment. It can be killed, paused, and started again. */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export type EngineProcess = Awaited<ReturnType<typeof prepareEngine>>

const program = fileURLToPath(new URL('../main.ts', import.meta.url))
/** Compiled once, and read by every start after it. */
const compiled = fileURLToPath(new URL('../node_modules/.cache/endurance/', import.meta.url))

/** @param shell what the process's shell does first, such as `ulimit -f 1024` */
export async function prepareEngine(environment: Record<string, string>, { shell }: { shell?: string } = {}) {
  const port = await freePort()
  const env = { PORT: String(port), NODE_COMPILE_CACHE: compiled, ...environment }
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', program]
  /** What it said on stderr: one line of JSON for each error. */
  const complaints: string[] = []
  let running: ChildProcess | undefined
  let runs = 0
  let up = Promise.withResolvers<void>()
  let isUp = false

  const lives = (): boolean => running !== undefined && running.exitCode === null && running.signalCode === null
  const signal = (name: NodeJS.Signals): void => void (lives() && running?.kill(name))
  async function gone(): Promise<void> {
    if (lives()) await once(running as ChildProcess, 'exit')
  }

  /** Resolves when it listens, or when it was killed before. @throws Error when it ended by itself */
  async function start(): Promise<void> {
    runs += 1
    const child = shell === undefined ? spawn(command[0] as string, command.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'] }) : spawn('/bin/sh', ['-c', `${shell} && exec "$@"`, 'sh', ...command], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    running = child
    createInterface({ input: child.stderr }).on('line', (line) => void complaints.push(line))
    const listens = new Promise<void>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => void (line.startsWith('Keyledger listens') && resolve()))
    })
    const ended = once(child, 'exit').then(([code]) => {
      if (code !== null) throw new Error(`the engine ended with ${code}: ${complaints.slice(-5).join('\n')}`)
    })
    ended.catch(() => {})
    await Promise.race([listens, ended])
    if (!lives() || running !== child) return
    isUp = true
    up.resolve()
  }

  async function end(how: NodeJS.Signals): Promise<void> {
    // Who waits for it to be up already, goes on waiting.
    if (isUp) up = Promise.withResolvers()
    isUp = false
    signal(how)
    await gone()
  }

  return {
    url: `http://127.0.0.1:${port}`,
    complaints,
    start,
    /** How often it was started: two things that happened in different runs have an end of the process between them. */
    runs: (): number => runs,
    /** Resolves when it listens. */
    up: (): Promise<void> => up.promise,
    kill: () => end('SIGKILL'),
    /** It finishes what runs. */
    stop: () => end('SIGTERM'),
    /** It takes connections and does nothing with them. */
    pause: () => signal('SIGSTOP'),
    goOn: () => signal('SIGCONT'),
    get pid(): number {
      return running?.pid as number
    },
  }
}

/** Free, and outside of the range from which connections are given theirs: it must be free again after every kill. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)))
    if (!free) continue
    await new Promise((closed) => server.close(closed))
    return port
  }
}
