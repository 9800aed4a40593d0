/** What the engine's parts need of each other where a test puts some of them together. */
import { createSecretKey } from 'node:crypto'
import type { Streams } from '../eventlog/transact.ts'
import { createGuesses } from './guesses.ts'
import { openPasswordFormats } from './password-formats.ts'

export async function openParts({ streams, now = () => new Date('2026-03-02T08:00:00.000Z') }: { streams: Streams; now?: () => Date }) {
  const inBackground = (work: Promise<unknown>): void => void work.catch(() => {})
  const guesses = createGuesses({ shared: undefined, secret: createSecretKey(Buffer.alloc(32)), now, inBackground })
  return { inBackground, guesses, formats: await openPasswordFormats({ streams, now, inBackground }) }
}
