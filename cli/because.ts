/** Who gives a command, and why: asked for by every command that changes something or opens what is sealed, and written down before it does. */
import { userInfo } from 'node:os'
import type { Config } from '../config.ts'
import { Because } from '../domain/audit/because.ts'
import { Misuse } from './misuse.ts'

/** As typed. */
export type Given = { as?: string | undefined; why?: string | undefined }

/**
 * `always`: it must be said, whatever the log. Otherwise it may be left out on the embedded default, where whoever has the terminal has the data folder: the
 * name is then the one by which the system knows them. @throws Misuse
 */
export function becauseOf({ eventStoreDbUrl }: Config, { as, why }: Given, { always = false } = {}): Because {
  const embedded = eventStoreDbUrl === undefined && !always
  const given = { who: as ?? (embedded ? systemName() : undefined), why: why ?? (embedded ? 'from the terminal' : undefined) }
  if (given.who === undefined || given.why === undefined) throw new Misuse(`${given.who === undefined ? '--as NAME' : '--why TEXT'} is missing: the log keeps who gave this command, and why`)
  const because = Because.safeParse(given)
  if (!because.success) throw new Misuse(because.error.issues.map(({ path, message }) => `${path[0] === 'who' ? '--as' : '--why'} ${message}`).join('; '))
  return because.data
}

/** The actor of all facts that the command brings about. */
export const actorOf = ({ who }: Because): string => `cli:${who}`

function systemName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run under a number that nobody gave a name.
    return 'unnamed user of the system'
  }
}
