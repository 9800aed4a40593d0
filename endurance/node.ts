/**
 * The EventStoreDB that is killed: the stand-in, or a real node. A real one is started by a program of the operator's, called with a port: it runs
 * the node there in the foreground, insecure, with its data in a folder of its own that outlives it, so that the next call finds what was written. For
 * example, for a node that is installed as `eventstored`:
 *
 *     #!/bin/sh
 *     exec eventstored --insecure --db "/tmp/endurance-$1" --node-port "$1" --enable-atom-pub-over-http=false --discover-via-dns=false
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEventStoreDb } from '../eventlog/eventstoredb.ts'
import { startStandIn } from '../eventlog/stand-in/start.ts'
import { freePort } from './engine-process.ts'

export type Node = {
  url: string
  kill(): Promise<void>
  /** It is there again, with what it had written. */
  revive(): Promise<void>
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** Of the stand-in alone: the next append is written, and the process dies before it answers. */
  loseNextAnswer?(): Promise<void>
  stop(): Promise<void>
}

/** @param program undefined for the stand-in */
export async function startNode(program: string | undefined): Promise<Node> {
  if (program === undefined) return startStandIn()
  const port = await freePort()
  const url = `esdb://127.0.0.1:${port}?tls=false`
  let running: ChildProcess
  // A group of its own: the program may be a script that does not end with the node.
  const signal = (name: NodeJS.Signals): void => void (running.exitCode === null && running.signalCode === null && process.kill(-(running.pid as number), name))
  async function revive(): Promise<void> {
    running = spawn(program as string, [String(port)], { stdio: ['ignore', 'ignore', 'inherit'], detached: true })
    const log = openEventStoreDb({ url, timeoutMs: 2_000 })
    for (;;) {
      if (running.exitCode !== null) throw new Error(`${program} ended with ${running.exitCode}`)
      // It elects itself leader a while after it listens.
      if (await log.last('key-readiness').then(() => true, () => false)) break
      await sleep(100)
    }
    await log.close()
  }
  async function kill(): Promise<void> {
    const gone = running.exitCode === null && running.signalCode === null ? once(running, 'exit') : undefined
    signal('SIGKILL')
    await gone
  }
  await revive()
  return { url, kill, revive, freeze: async () => signal('SIGSTOP'), thaw: async () => signal('SIGCONT'), stop: kill }
}
