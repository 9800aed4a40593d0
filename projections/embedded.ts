import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir, uptime } from 'node:os'
import { join, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { FromWorker } from './embedded-worker.ts'

const startLimit = 60_000
const closeLimit = 5_000
const recoveryPause = 5_000
/** A socket's path has 108 bytes at most on Linux, 104 on macOS (sun_path). */
const longestPath = 100

/**
 * PGlite in a worker thread, behind a UNIX socket in `folder` (so not on Windows). Its data can be made anew from the log at any time, and is: when it
 * cannot be opened, when the worker died of it, and when the machine went down while it was open, since PGlite does not fsync.
 */
export const startEmbedded = ({ folder, onReset = () => {} }: { folder: string; onReset?: (reason: string) => void }) => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const data = resolve(folder, 'postgres')
  const openMark = join(folder, 'postgres.open')
  const before = existsSync(pathFile(folder)) ? socketPath(folder) : undefined
  const near = resolve(folder, 'postgres.sock')
  // mkdtemp's folder is private to this user as well.
  const far = Buffer.byteLength(near) > longestPath ? mkdtempSync(join(tmpdir(), 'keyledger-')) : undefined
  const path = far ? join(far, 'postgres.sock') : near
  let worker: Worker | undefined
  let closing = false

  const reset = (reason: string) => {
    rmSync(data, { recursive: true, force: true })
    onReset(reason)
  }

  const launch = () =>
    new Promise<void>((resolve, reject) => {
      const started = new Worker(new URL('./embedded-worker.ts', import.meta.url), { workerData: { data, path } })
      worker = started
      let running = false
      let reason = 'the embedded database ended'
      const limit = setTimeout(() => started.terminate(), startLimit)
      started.on('message', (message: FromWorker) => {
        if ('ready' in message) {
          running = true
          clearTimeout(limit)
          resolve()
        } else {
          if ('failed' in message) reason = message.failed
          void started.terminate()
        }
      })
      started.on('error', (error) => {
        reason = String(error)
      })
      started.once('exit', () => {
        clearTimeout(limit)
        worker = undefined
        if (!running) reject(new Error(reason))
        else if (!closing) {
          reset(reason)
          recover()
        }
      })
    })

  const recover = () => {
    if (!closing) launch().catch(() => setTimeout(recover, recoveryPause).unref())
  }

  const start = async () => {
    if (before !== undefined && (await answers(before))) throw new Error(`the embedded database in ${folder} is in use by another process`)
    if (existsSync(openMark) && readFileSync(openMark, 'utf8') !== boot()) reset('the machine went down while the embedded database was open')
    writeFileSync(openMark, boot())
    writeFileSync(pathFile(folder), path)
    try {
      await launch()
    } catch (error) {
      if (closing) throw error
      reset(error instanceof Error ? error.message : String(error))
      await launch()
    }
  }

  const ready = start()
  return {
    path,
    ready,
    close: async () => {
      closing = true
      const opened = await ready.then(() => true, () => false)
      if (opened && worker) {
        const closed = worker
        const ended = once(closed, 'exit')
        closed.postMessage('close')
        // A query may run without an end. To be terminated is no harm: what was committed stands in the write-ahead log.
        const limit = setTimeout(() => closed.terminate(), closeLimit)
        await ended
        clearTimeout(limit)
        rmSync(openMark, { force: true })
      }
      if (far) rmSync(far, { recursive: true, force: true })
    },
  }
}

/** Where the embedded database of this folder listens. @throws Error when there was never one */
export const socketPath = (folder: string): string => readFileSync(pathFile(folder), 'utf8')

const pathFile = (folder: string) => join(folder, 'postgres.socket')

const answers = (path: string) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(path, () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

/** Tells one run of the machine from another; where the system has no id for it, by the minute it began. */
const boot = () => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return String(Math.round((Date.now() / 1000 - uptime()) / 60))
  }
}
