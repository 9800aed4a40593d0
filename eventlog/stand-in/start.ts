import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A node in a process of its own. */
export type StandIn = {
  url: string
  address: string
  /** It takes connections and answers nothing, not even pings. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** It is gone at once; `revive` starts it again at the same port with what it had written. */
  kill(): Promise<void>
  revive(): Promise<void>
  /** The next append is written, and the process dies before it answers. */
  loseNextAnswer(): Promise<void>
  /** It is leader no more, and nobody is: it refuses new calls, and goes on with those that run. Until it is killed. */
  resign(): Promise<void>
  stop(): Promise<void>
}

// The server is a Node program, also where Deno runs the tests.
const node = 'Deno' in globalThis ? fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url)) : process.execPath
const program = fileURLToPath(new URL('./server.ts', import.meta.url))

/** @param options.leader `host:port`: the node is a follower and names this leader */
export const startStandIn = async ({ leader }: { leader?: string } = {}): Promise<StandIn> => {
  const folder = mkdtempSync(join(tmpdir(), 'stand-in-'))
  let running: ChildProcess
  const start = async (port: number): Promise<number> => {
    const options = [String(port), join(folder, 'journal'), ...(leader === undefined ? [] : [leader])]
    running = spawn(node, [program, ...options], { stdio: ['pipe', 'pipe', 'inherit'] })
    const ended = once(running, 'exit').then(() => Promise.reject(new Error('the stand-in did not start')))
    const [line] = await Promise.race([once(running.stdout!, 'data'), ended])
    return Number(line)
  }
  const lives = () => running.exitCode === null && running.signalCode === null
  const gone = async () => {
    if (lives()) await once(running, 'exit')
  }
  const port = await start(0)
  // Not by `running.kill`: Deno sends one signal that way and no second one.
  const signal = (name: NodeJS.Signals) => void (lives() && process.kill(running.pid!, name))
  const tell = async (command: string) => {
    running.stdin!.write(command)
    await once(running.stdout!, 'data')
  }
  const kill = async () => {
    signal('SIGKILL')
    await gone()
  }
  return {
    url: `esdb://127.0.0.1:${port}?tls=false`,
    address: `127.0.0.1:${port}`,
    freeze: async () => signal('SIGSTOP'),
    thaw: async () => signal('SIGCONT'),
    kill,
    revive: async () => {
      await gone()
      await start(port)
    },
    loseNextAnswer: () => tell('lose the next answer'),
    resign: () => tell('resign'),
    stop: async () => {
      await kill()
      rmSync(folder, { recursive: true })
    },
  }
}
