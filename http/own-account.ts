/** `/v1/account`: what somebody who is signed in changes of their own. */
import { Hono, type Context } from 'hono'
import type { z } from 'zod'
import type { ShownContact } from '../engine/account-view.ts'
import type { Engine } from '../engine/engine.ts'
import type { OwnAccountAnswer } from '../mobile-contracts/answers.ts'
import { ContactBody, OwnPasswordBody } from '../mobile-contracts/requests.ts'
import { bearerOf, bodyOf, keyOf } from './request.ts'

export function ownAccountRoutes({ access, ownAccount }: Engine): Hono {
  const answered = (c: Context, contacts: ShownContact[]): Response => c.json({ contacts } satisfies z.infer<typeof OwnAccountAnswer>)

  return new Hono()
    .get('/contacts', async (c) => answered(c, await ownAccount.contacts(await access(bearerOf(c)))))
    .post('/contacts', async (c) => {
      const key = keyOf(c)
      const contact = await bodyOf(c, ContactBody)
      return answered(c, await ownAccount.replaceContact(await access(bearerOf(c)), key, contact))
    })
    .post('/password', async (c) => {
      const key = keyOf(c)
      const { password } = await bodyOf(c, OwnPasswordBody)
      return answered(c, await ownAccount.setPassword(await access(bearerOf(c)), key, password))
    })
}
