import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { dataDir } from '@electric-sql/pglite-prepopulatedfs'
import { serveBackend } from './embedded-server.ts'

export type FromWorker = { ready: true } | { failed: string } | { closed: true }

// The thread that embedded.ts starts. Any message from there ends it.
const { data, path } = workerData as { data: string; path: string }
const tell = (message: FromWorker) => parentPort!.postMessage(message)

const open = async () => {
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const made = existsSync(join(data, 'PG_VERSION'))
  const db = await PGlite.create({
    dataDir: data,
    // An empty cluster to unpack, instead of initdb, which takes seconds.
    ...(!made && { loadDataDir: await dataDir() }),
    // The default of 128 MB costs 100 MB of memory here and gains nothing.
    startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB'],
  })
  const server = await serveBackend(db, path)
  chmodSync(path, 0o600)
  parentPort!.once('message', async () => {
    await server.close()
    await db.close()
    tell({ closed: true })
  })
}

open().then(() => tell({ ready: true }), (error) => tell({ failed: String(error) }))
