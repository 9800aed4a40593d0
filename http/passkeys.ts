/** `/v1/passkeys`: the passkeys of whoever is signed in. */
import { Hono, type Context } from 'hono'
import type { z } from 'zod'
import type { Engine } from '../engine/engine.ts'
import type { OwnPasskeys } from '../engine/own-passkeys.ts'
import type { PasskeysAnswer } from '../mobile-contracts/answers.ts'
import { PasskeyNameBody } from '../mobile-contracts/requests.ts'
import { bearerOf, bodyOf, keyOf } from './request.ts'

/** When each passkey of the account last signed in (ISO 8601); empty while the database is away. */
export type LastUses = (account: string) => Promise<ReadonlyMap<string, string>>

export type PasskeyDependencies = { engine: Engine; lastUses: LastUses }

export function passkeyRoutes({ engine, lastUses }: PasskeyDependencies): Hono {
  const { access, ownPasskeys } = engine
  const idOf = (c: Context): string => c.req.param('id') ?? ''

  async function answered(c: Context, account: string, { passkeys, signals }: OwnPasskeys): Promise<Response> {
    const uses = await lastUses(account)
    const listed = passkeys.map((passkey) => ({ ...passkey, lastUsedAt: uses.get(passkey.id) ?? null }))
    return c.json({ passkeys: listed, signals } satisfies z.infer<typeof PasskeysAnswer>)
  }

  return new Hono()
    .get('/', async (c) => {
      const who = await access(bearerOf(c))
      return answered(c, who.account, await ownPasskeys.list(who))
    })
    .post('/:id/name', async (c) => {
      const key = keyOf(c)
      const { name } = await bodyOf(c, PasskeyNameBody)
      const who = await access(bearerOf(c))
      return answered(c, who.account, await ownPasskeys.rename(who, idOf(c), name, key))
    })
    .delete('/:id', async (c) => {
      const key = keyOf(c)
      const who = await access(bearerOf(c))
      return answered(c, who.account, await ownPasskeys.remove(who, idOf(c), key))
    })
}
