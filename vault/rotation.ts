/**
 * Every key in the log, wrapped under the newest master key, and under no other. Which ones are is counted from the log alone, so that it is exact whichever
 * engine made them, and can be stopped and begun again at any point. Engines that have the old master key and the new one serve meanwhile.
 */
import { Unavailable, OutcomeUnknown, StreamSealed, type Mark } from '../eventlog/event-log.ts'
import { Conflict, type Cause, type Streams } from '../eventlog/transact.ts'
import type { KeyEvent, KeyState, WrappedKey } from './events.ts'
import { keys, WrongMasterKey, type Vault } from './vault.ts'

export type Survey = {
  newest: string
  /** How many keys are wrapped under each master key, by its fingerprint. */
  under: ReadonlyMap<string, number>
  /** Streams with a key that is not under the newest. */
  outdated: readonly string[]
  /** Where the other streams could begin: what stands before is the same keys, wrapped under older ones. */
  superseded: readonly Mark[]
  /** Master keys that any event names. */
  named: ReadonlySet<string>
}
/** `unreadable`: streams with a key under a master key that was not given. */
export type Rewrapped = { rewrapped: number; survey: Survey; unreadable: readonly string[] }
export type Progress = { done: number; of: number }

type Parts = { streams: Streams; vault: Vault }

/** So many streams at a time: a read and an append each. */
const atOnce = 64
/** So many are truncated at once: on SQLite they share a transaction. */
const truncatedAtOnce = 500
/** What other engines made under an older master key while this went on is taken up again so often. */
const mostPasses = 6

const idOf = (stream: string): string => stream.slice('key-'.length)

/** One walk over the key streams; some two hundred bytes of memory for each key. @throws Unavailable */
export async function surveyKeys({ streams, vault }: Parts): Promise<Survey> {
  const [newest] = vault.masterKeys() as [string]
  // A stream has one key, or several with names of their own. The last that was written of each counts.
  const last = new Map<string, { stream: string; master: string; revision: number }>()
  const begins = new Map<string, number>()
  const named = new Set<string>()
  for await (const { stream, revision, data } of streams.log.readAll({ prefixes: ['key-'] })) {
    const { master, kid } = data as { master?: string; kid?: string }
    if (!begins.has(stream)) begins.set(stream, revision)
    if (master === undefined) continue
    named.add(master)
    last.set(kid === undefined ? stream : `${stream} ${kid}`, { stream, master, revision })
  }
  const under = new Map<string, number>()
  const outdated = new Set<string>()
  const needed = new Map<string, number>()
  for (const { stream, master, revision } of last.values()) {
    under.set(master, (under.get(master) ?? 0) + 1)
    if (master !== newest) outdated.add(stream)
    needed.set(stream, Math.min(needed.get(stream) ?? Infinity, revision))
  }
  const superseded = [...needed].filter(([stream, before]) => before > (begins.get(stream) as number) && !outdated.has(stream)).map(([stream, before]): Mark => ({ stream, before }))
  return { newest, under, outdated: [...outdated], superseded, named }
}

/** @throws Unavailable, OutcomeUnknown: repeat it, it goes on from there; Error for a key that was tampered with */
export async function rewrapKeys(parts: Parts, because: { actor: string; act: string }, onProgress: (progress: Progress) => void = () => {}): Promise<Rewrapped> {
  let rewrapped = 0
  for (let passes = 1; ; passes += 1) {
    const survey = await surveyKeys(parts)
    const unreadable: string[] = []
    let done = 0
    const of = survey.outdated.length + survey.superseded.length
    await eachAtOnce(survey.outdated, async (stream) => {
      const many = await rewrap(parts, stream, because)
      if (many === 'unreadable') unreadable.push(stream)
      else rewrapped += many
      onProgress({ done: (done += 1), of })
    })
    for (let from = 0; from < survey.superseded.length; from += truncatedAtOnce) {
      const marks = survey.superseded.slice(from, from + truncatedAtOnce)
      await eachAtOnce(marks, ({ stream }) => assertSameKeys(parts, stream))
      await parts.streams.log.truncate(marks)
      onProgress({ done: (done += marks.length), of })
    }
    const isDone = survey.outdated.length === unreadable.length && survey.superseded.length === 0
    if (isDone || passes === mostPasses) return { rewrapped, survey, unreadable }
  }
}

/** @returns how many keys of the stream were rewrapped */
async function rewrap({ streams, vault }: Parts, stream: string, { actor, act }: { actor: string; act: string }): Promise<number | 'unreadable'> {
  const id = idOf(stream)
  const cause: Cause = { actor, correlationId: id, causationId: act }
  try {
    const { appended } = await streams.transact(keys, stream, cause, (folded) => ({ events: folded ? rewrappings(vault, id, folded.state) : [], result: undefined }))
    return appended
  } catch (error) {
    // Forgotten meanwhile: there is no key any more.
    if (error instanceof StreamSealed) return 0
    if (error instanceof WrongMasterKey) return 'unreadable'
    throw error instanceof Unavailable || error instanceof OutcomeUnknown || error instanceof Conflict ? error : tampered(stream, error)
  }
}

/** Of several keys all are written again, so that nothing that came before is needed any more. */
function rewrappings(vault: Vault, id: string, { key, signing }: KeyState): KeyEvent[] {
  const [newest] = vault.masterKeys()
  const isOld = ({ master }: WrappedKey): boolean => master !== newest
  const anew = (wrapped: WrappedKey): WrappedKey => vault.wrap(id, vault.unwrap(id, wrapped))
  return [
    ...(key && isOld(key) ? [{ type: 'KeyWrapped', data: { purpose: key.purpose, ...anew(key) } } satisfies KeyEvent] : []),
    ...(signing.some(isOld) ? signing.map((one): KeyEvent => ({ type: 'SigningKeyRewrapped', data: { kid: one.kid, publicJwk: one.publicJwk, addedAt: one.addedAt, ...anew(one) } })) : []),
  ]
}

/** Before the old one goes for ever: the new one opens, to the same key. What is under a master key that was not given is not looked at. @throws Error */
async function assertSameKeys({ streams, vault }: Parts, stream: string): Promise<void> {
  const id = idOf(stream)
  const given = new Set(vault.masterKeys())
  const opened = new Map<string, Buffer>()
  for await (const { data } of streams.log.read(stream)) {
    const { kid = '', master, wrapped } = data as { kid?: string; master: string; wrapped: string }
    if (!given.has(master)) continue
    let key: Buffer
    try {
      key = vault.unwrap(id, { master, wrapped })
    } catch (error) {
      throw tampered(stream, error)
    }
    const before = opened.get(kid)
    if (before && !before.equals(key)) throw tampered(stream, 'another key')
    opened.set(kid, key)
  }
}

const tampered = (stream: string, cause: unknown): Error => new Error(`${stream} was tampered with: it does not open`, { cause })

/** After the first error no other item is begun; it is thrown when those under way are done. */
async function eachAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values()
  let failed = false
  const worker = async (): Promise<void> => {
    for (const item of waiting) {
      if (failed) return
      await work(item)
    }
  }
  const fail = (error: unknown): never => {
    failed = true
    throw error
  }
  const ends = await Promise.allSettled(Array.from({ length: atOnce }, () => worker().catch(fail)))
  const broken = ends.find((end) => end.status === 'rejected')
  if (broken) throw broken.reason
}
