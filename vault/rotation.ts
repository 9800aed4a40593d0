/**
 * Every key in the log, wrapped under the newest master key. Which ones are is counted from the log alone, so that it is exact whichever engine made them,
 * and can be stopped and begun again at any point. Engines that have the old master key and the new one serve meanwhile.
 */
import type { Cause, Streams } from '../eventlog/transact.ts'
import { StreamSealed } from '../eventlog/event-log.ts'
import type { KeyEvent, KeyState } from './events.ts'
import { keys, WrongMasterKey, type Vault } from './vault.ts'

/** How many keys are wrapped under each master key, by fingerprint; and the streams of those that are not under the newest. */
export type Survey = { newest: string; under: ReadonlyMap<string, number>; outdated: readonly string[] }

/** `unreadable`: streams with a key under a master key that was not given. */
export type Rewrapped = { rewrapped: number; survey: Survey; unreadable: readonly string[] }

/** So many streams at a time: a read and an append each. */
const atOnce = 16
/** What other engines made under an older master key while this went on is taken up again so often. */
const mostPasses = 5

const idOf = (stream: string): string => stream.slice('key-'.length)

/** One walk over the key streams; some hundred bytes of memory for each key. @throws Unavailable */
export async function surveyKeys({ streams, vault }: { streams: Streams; vault: Vault }): Promise<Survey> {
  const [newest] = vault.masterKeys() as [string]
  // A stream has one key, or several with names of their own. The last that was written of each counts.
  const wrappedUnder = new Map<string, string>()
  for await (const { stream, data } of streams.log.readAll({ prefixes: ['key-'] })) {
    const { master, kid } = data as { master?: string; kid?: string }
    if (master !== undefined) wrappedUnder.set(kid === undefined ? stream : `${stream} ${kid}`, master)
  }
  const under = new Map<string, number>()
  const outdated = new Set<string>()
  for (const [key, master] of wrappedUnder) {
    under.set(master, (under.get(master) ?? 0) + 1)
    if (master !== newest) outdated.add(key.split(' ')[0] as string)
  }
  return { newest, under, outdated: [...outdated] }
}

/** @throws Unavailable, OutcomeUnknown: repeat it, it goes on from there */
export async function rewrapKeys(dependencies: { streams: Streams; vault: Vault }, because: { actor: string; act: string }, onProgress: (progress: { done: number; of: number }) => void = () => {}): Promise<Rewrapped> {
  let rewrapped = 0
  for (let passes = 1; ; passes += 1) {
    const survey = await surveyKeys(dependencies)
    const unreadable = new Set<string>()
    const waiting = survey.outdated.values()
    let looked = 0
    let failed = false
    const worker = async (): Promise<void> => {
      for (const stream of waiting) {
        if (failed) return
        const done = await rewrap(dependencies, stream, because)
        if (done === 'unreadable') unreadable.add(stream)
        else rewrapped += done
        onProgress({ done: (looked += 1), of: survey.outdated.length })
      }
    }
    const fail = (error: unknown): never => {
      failed = true
      throw error
    }
    const ends = await Promise.allSettled(Array.from({ length: atOnce }, () => worker().catch(fail)))
    const broken = ends.find((end) => end.status === 'rejected')
    if (broken) throw broken.reason
    if (survey.outdated.length === unreadable.size || passes === mostPasses) return { rewrapped, survey, unreadable: [...unreadable] }
  }
}

/** @returns how many keys of the stream were rewrapped */
async function rewrap({ streams, vault }: { streams: Streams; vault: Vault }, stream: string, { actor, act }: { actor: string; act: string }): Promise<number | 'unreadable'> {
  const id = idOf(stream)
  const cause: Cause = { actor, correlationId: id, causationId: act }
  try {
    const { appended } = await streams.transact(keys, stream, cause, (folded) => ({ events: folded ? rewrappings(vault, id, folded.state) : [], result: undefined }))
    return appended
  } catch (error) {
    // Forgotten meanwhile: there is no key any more.
    if (error instanceof StreamSealed) return 0
    if (error instanceof WrongMasterKey) return 'unreadable'
    throw error
  }
}

function rewrappings(vault: Vault, id: string, { key, signing }: KeyState): KeyEvent[] {
  const [newest] = vault.masterKeys()
  const anew = (wrapped: { master: string; wrapped: string }) => vault.wrap(id, opened(wrapped))
  function opened(wrapped: { master: string; wrapped: string }): Buffer {
    try {
      return vault.unwrap(id, wrapped)
    } catch (error) {
      if (error instanceof WrongMasterKey) throw error
      throw new Error(`key-${id} was tampered with: it does not open`, { cause: error })
    }
  }
  return [
    ...(key && key.master !== newest ? [{ type: 'KeyWrapped', data: { purpose: key.purpose, ...anew(key) } } satisfies KeyEvent] : []),
    ...signing.filter(({ master }) => master !== newest).map((one): KeyEvent => ({ type: 'SigningKeyRewrapped', data: { kid: one.kid, ...anew(one) } })),
  ]
}
