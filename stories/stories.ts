/** Whole logins on the embedded parts (SQLite, PGlite) and on those of production (EventStoreDB, Postgres), under the policies that differ most. On Node and on Deno. */
import type { z } from 'zod'
import type { Policy } from '../domain/policy.ts'
import { startStandIn } from '../eventlog/stand-in/start.ts'
import type { Story } from './chapters.ts'
import { startPostgres } from '../projections/testing-postgres.ts'
import { auditing } from './auditing.ts'
import { concurrency } from './concurrency.ts'
import { forgotten } from './forgotten.ts'
import { guessing, hidden, hiding } from './guessing.ts'
import { logins } from './logins.ts'
import { noPasskey } from './no-passkey.ts'
import { conditional, passkeyLogins, settings, silently } from './passkeys.ts'
import { everythingOff, offerOnly, passwordAlone, passwordAndOffer, pinOnServer, serverPin } from './other-policies.ts'
import { privacy, searching } from './privacy.ts'
import { proofs } from './proofs.ts'
import { signedIn } from './signed-in.ts'
import { openStage, type Stage } from './stage.ts'

export const logs = ['SQLite', 'EventStoreDB'] as const
export type Log = (typeof logs)[number]

export type Test = [sentence: string, run: () => Promise<void>]

const acts = (many: number): { policy: z.input<typeof Policy>; stories: Story[] }[] => [
  { policy: {}, stories: [...logins, ...passkeyLogins, ...settings, ...noPasskey, ...proofs, ...guessing, ...signedIn, ...forgotten, ...concurrency(many)] },
  { policy: silently, stories: conditional },
  { policy: everythingOff, stories: passwordAlone },
  { policy: offerOnly, stories: passwordAndOffer },
  { policy: pinOnServer, stories: serverPin },
  { policy: hiding, stories: hidden },
  // Last: it looks at what the others have left.
  { policy: {}, stories: [...auditing, ...searching, ...privacy] },
]

type Options = { many?: number; node?: string | undefined }

/** One engine plays them all, in this order. `many`: how many requests are at once; `node`: an EventStoreDB to use in place of the stand-in. */
export function storiesOn(log: Log, { many = 100, node }: Options = {}): { stories: Test[]; close(): Promise<void> } {
  let opened: Promise<{ stage: Stage; close(): Promise<void> }> | undefined

  async function open() {
    if (log === 'SQLite') {
      const stage = await openStage({})
      return { stage, close: stage.close }
    }
    const [standIn, postgres] = [node === undefined ? await startStandIn() : undefined, await startPostgres()]
    const stage = await openStage({ eventStoreDbUrl: standIn?.url ?? node, databaseUrl: await postgres.createDatabase() })
    stage.kept.push(postgres.folder)
    return {
      stage,
      async close() {
        await stage.close()
        await postgres.remove()
        await standIn?.stop()
      },
    }
  }

  return {
    stories: acts(many).flatMap(({ policy, stories }) =>
      stories.map(([sentence, run]): Test => [
        sentence,
        async () => {
          const { stage } = await (opened ??= open())
          stage.setPolicy(policy)
          await run(stage)
        },
      ])),
    close: async () => (await opened)?.close(),
  }
}
