/**
 * Which formats of password hashes occur, and about how often: a login of nobody is to cost what one of somebody costs. Kept in the log, so that
 * it outlives a restart and needs no Postgres; written for a growing number at once, so that an import of a million writes some hundred events.
 */
import { passwordFormatEvents } from '../domain/account/events.ts'
import { Conflict, type Aggregate, type Cause, type Streams } from '../eventlog/transact.ts'
import { formatOf, parseHash } from '../factors/password-hash.ts'
import { uuidOf } from '../vault/sealing.ts'

type Counts = ReadonlyMap<string, number>
const formats: Aggregate<Counts, typeof passwordFormatEvents> = {
  events: passwordFormatEvents,
  evolve: (counts = new Map(), { data: { format, more } }) => new Map([...counts, [format, Math.max(0, (counts.get(format) ?? 0) + more)]]),
}
const stream = 'password-formats'
const cause: Cause = { actor: 'engine', correlationId: uuidOf(stream), causationId: 'PasswordFormatCounted' }

/** What is not written yet is at most this part of what is. */
const exactness = 8
/** ms. What other engines have counted is looked at so often. */
const staleAfter = 5 * 60_000

export type PasswordFormats = Awaited<ReturnType<typeof openPasswordFormats>>

/** @throws Unavailable */
export async function openPasswordFormats(dependencies: { streams: Streams; now: () => Date; inBackground: (work: Promise<unknown>) => void }) {
  const { streams, now, inBackground } = dependencies
  const unwritten = new Map<string, number>()
  let counts: Counts = (await streams.load(formats, stream))?.state ?? new Map()
  let seenAt = now().getTime()
  let writing = false

  const due = () => [...unwritten].filter(([format, more]) => Math.abs(more) >= Math.max(1, (counts.get(format) ?? 0) / exactness))

  async function write(): Promise<void> {
    writing = true
    try {
      for (let some = due(); some.length > 0; some = due()) {
        for (const [format] of some) unwritten.delete(format)
        const events = some.map(([format, more]) => ({ type: 'PasswordFormatCounted' as const, data: { format, more } }))
        const written = await streams.transact(formats, stream, cause, () => ({ events, result: undefined })).catch((error: unknown) => {
          for (const [format, more] of some) unwritten.set(format, (unwritten.get(format) ?? 0) + more)
          // Engines that import side by side were faster every time: it is written with what is counted next.
          if (error instanceof Conflict) return undefined
          throw error
        })
        if (!written) return
        counts = written.folded?.state ?? counts
      }
    } finally {
      writing = false
    }
  }

  function count(hash: string, more: number): void {
    const parsed = parseHash(hash)
    if ('unusable' in parsed) return
    const format = formatOf(parsed)
    unwritten.set(format, (unwritten.get(format) ?? 0) + more)
    if (!writing && due().length > 0) inBackground(write())
  }

  return {
    /** How often each occurs. */
    counts: (): Counts => counts,
    /** A password is kept as this hash from now on, or, below zero, no more. Losing it makes the counts less exact, no more. */
    count,
    /** Looks, once in a while, at what other engines have counted. Whoever asks for a login, known or not, has it looked at. */
    refresh(): void {
      if (now().getTime() - seenAt < staleAfter) return
      seenAt = now().getTime()
      inBackground(streams.load(formats, stream).then((folded) => void (counts = folded?.state ?? counts)))
    },
  }
}
