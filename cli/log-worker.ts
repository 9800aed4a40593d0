/** Reads and hashes portions of a log, as a thread of its own. */
import { parentPort, workerData } from 'node:worker_threads'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { stepOf, type Portion, type Wanted } from './log-steps.ts'

const { file } = workerData as { file: string }
const log = openSqliteLog({ file, readOnly: true })

async function portionOf({ after, upTo }: Wanted): Promise<Portion> {
  const portion: Portion = { streams: [], revisions: [], times: [], hashes: new Uint8Array(), reasons: new Map(), needs: new Map(), failure: undefined }
  const hashes: Uint8Array[] = []
  try {
    for await (const event of log.readAll({ after: String(after) })) {
      if (Number(event.position) > upTo) break
      const { stream, revision, metadata, hash, reason, needs } = stepOf(event)
      const index = portion.streams.push(stream) - 1
      portion.revisions.push(revision)
      portion.times.push(metadata.at)
      hashes.push(hash)
      if (reason !== undefined) portion.reasons.set(index, reason)
      if (needs.length > 0) portion.needs.set(index, needs)
    }
  } catch (error) {
    portion.failure = (error as Error).message
  }
  return { ...portion, hashes: new Uint8Array(Buffer.concat(hashes)) }
}

let working: Promise<unknown> = Promise.resolve()
parentPort?.on('message', (wanted: Wanted | 'end') => {
  working = working.then(async () => {
    if (wanted === 'end') {
      // A connection that is not closed keeps what SQLite has beside the file.
      await log.close()
      parentPort?.postMessage('ended')
      return
    }
    const portion = await portionOf(wanted)
    parentPort?.postMessage(portion, [portion.hashes.buffer as ArrayBuffer])
  })
})
