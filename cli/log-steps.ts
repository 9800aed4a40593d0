/** The events of a log as they are walked: hashed, and looked at one by one. For a log in a file, by as many threads as there are cores. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { parseStored } from '../audit/examination.ts'
import type { Leaf } from '../audit/canonical.ts'
import { noLeaves } from '../audit/canonical.ts'
import type { Hash } from '../audit/merkle.ts'
import { hashOf, type Step } from '../audit/walk.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import { keysNeeded, schemasOf, type KeyNeeded } from './stored-events.ts'

/** `reason`: what is wrong with the event alone. `hash`: of leaves. */
export type LogStep = Step & { hash: Hash; reason: string | undefined; needs: readonly KeyNeeded[] }

/** Of some positions one after the other. The bytes of all hashes, 32 each; only few events have `reasons` and `needs`. */
export type Portion = { streams: string[]; revisions: number[]; times: string[]; hashes: Uint8Array; reasons: Map<number, string>; needs: Map<number, readonly KeyNeeded[]>; failure: string | undefined }
export type Wanted = { after: number; upTo: number }

const hashBytes = 32
const noHash = Buffer.alloc(hashBytes)
const noNeeds: readonly KeyNeeded[] = []
/** Portions that wait, for each thread: it need not wait for the walk. */
const ahead = 2

export function stepOf(event: Leaf): LogStep {
  const { stream, revision, metadata } = event
  const parsed = parseStored(schemasOf(stream), event)
  const reason = typeof parsed === 'string' ? parsed : undefined
  const needs = typeof parsed === 'string' ? noNeeds : keysNeeded(event, parsed)
  return { stream, revision, metadata, hash: noLeaves.some((prefix) => stream.startsWith(prefix)) ? noHash : hashOf(event), reason, needs }
}

export async function* stepsOf(log: EventLog): AsyncGenerator<LogStep> {
  for await (const event of log.readAll({})) yield stepOf(event)
}

/** A thread takes half a second to start. */
export const threadsFor = (end: number): number => Math.min(availableParallelism(), Math.ceil(end / 50_000))

/** `end`: the last position; `portionSize`: positions. @throws Error for an event that cannot be read, when those before it were handed out */
export function stepsOfFile(file: string, end: number, threads: number, portionSize = 5_000): AsyncIterable<LogStep> {
  async function* portions(): AsyncGenerator<Portion> {
    const workers = Array.from({ length: threads }, () => new Worker(new URL('./log-worker.ts', import.meta.url), { workerData: { file } }))
    const answers = workers.map(createAnswers)
    let asked = 0
    const ask = (): void => {
      const after = asked * portionSize
      if (after < end) workers[asked % threads]!.postMessage({ after, upTo: Math.min(after + portionSize, end) } satisfies Wanted)
      asked += 1
    }
    try {
      for (let nth = 0; nth < threads * ahead; nth += 1) ask()
      for (let nth = 0; nth * portionSize < end; nth += 1) {
        yield await answers[nth % threads]!()
        ask()
      }
    } finally {
      await Promise.all(workers.map(ended))
    }
  }
  return flattened(portions())
}

/** What it has begun it ends first. */
async function ended(worker: Worker): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const event of ['exit', 'error']) worker.once(event, () => resolve())
    worker.on('message', (message: Portion | 'ended') => message === 'ended' && resolve())
    worker.postMessage('end')
  })
  await worker.terminate()
}

/** What the thread answers, one after the other; it answers in the order in which it was asked. */
function createAnswers(worker: Worker): () => Promise<Portion> {
  const come: Portion[] = []
  let waiting: { resolve(portion: Portion): void; reject(error: unknown): void } | undefined
  let broken: unknown
  worker.on('message', (portion: Portion | 'ended') => {
    if (portion === 'ended') return
    if (waiting) waiting.resolve(portion)
    else come.push(portion)
    waiting = undefined
  })
  worker.on('error', (error) => {
    broken = error
    waiting?.reject(error)
  })
  return () =>
    new Promise((resolve, reject) => {
      const portion = come.shift()
      if (portion) resolve(portion)
      else if (broken !== undefined) reject(broken)
      else waiting = { resolve, reject }
    })
}

/** Written out, because a generator costs a tenth of the speed. */
function flattened(portions: AsyncGenerator<Portion>): AsyncIterable<LogStep> {
  let portion: Portion | undefined
  let index = 0
  const step = (from: Portion): IteratorResult<LogStep> => {
    const hash = Buffer.from(from.hashes.buffer, from.hashes.byteOffset + index * hashBytes, hashBytes)
    const value = { stream: from.streams[index]!, revision: from.revisions[index]!, metadata: { at: from.times[index]! }, hash, reason: from.reasons.get(index), needs: from.needs.get(index) ?? noNeeds }
    index += 1
    return { done: false, value }
  }
  const nextPortion = async (): Promise<IteratorResult<LogStep>> => {
    do {
      if (portion?.failure !== undefined) throw new Error(portion.failure)
      const next = await portions.next()
      if (next.done) return { done: true, value: undefined }
      ;[portion, index] = [next.value, 0]
    } while (portion.streams.length === 0)
    return step(portion)
  }
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => (portion && index < portion.streams.length ? Promise.resolve(step(portion)) : nextPortion()),
      return: async () => {
        await portions.return(undefined)
        return { done: true, value: undefined }
      },
    }),
  }
}
