/** What a step of a login is told as. */
import type { DataOf, EventType } from '../domain/all-events.ts'

/** `holds`: the proof was good; `how`: what it was judged by. */
export type Proved = { what: 'password' | 'passkey' | 'code' | 'pin' | 'refresh token'; holds: boolean; how: string }
/** What the policy, or a rule of the account, decided, and why. `policy`: the version that decided; null where no policy has a say. */
export type Decided = { what: string; why: string; policy: string | null }

export type Telling<T extends EventType> = {
  /** What happened, in a sentence. Nothing that is sealed stands in it. */
  says: string | ((data: DataOf<T>) => string)
  proves?: (data: DataOf<T>) => Proved
  decides?: (data: DataOf<T>) => Decided
}
export type Tellings<T extends EventType> = { readonly [K in T]: Telling<K> }

/** Words as facts have them, as people read them. */
export const inWords = (word: string): string => word.replaceAll('_', ' ')
export const listed = (words: readonly string[]): string => (words.length === 0 ? 'none' : words.map(inWords).join(', '))
export const counted = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`
