/** `/v1/accounts`: the service API, for the company's backend. */
import { Hono, type Context } from 'hono'
import { z } from 'zod'
import { Because } from '../domain/audit/because.ts'
import type { Asking } from '../engine/account-changes.ts'
import type { ShownAccount } from '../engine/account-view.ts'
import { backendOf } from '../engine/backends.ts'
import type { Engine } from '../engine/engine.ts'
import { Fault } from '../engine/faults.ts'
import type { NewAccount } from '../engine/new-account.ts'
import type { AccountAnswer, EraseAnswer, ExportAnswer, ImportAnswer } from '../mobile-contracts/answers.ts'
import * as body from '../mobile-contracts/requests.ts'
import { BadRequest, bearerOf, bodyOf, keyOf } from './request.ts'

export function accountRoutes(engine: Engine): Hono {
  const { administration } = engine

  /** @throws Fault backend_key_invalid; BadRequest */
  const askingOf = (c: Context): Asking => ({ ...callerOf(c), key: keyOf(c) })
  function callerOf(c: Context): Pick<Asking, 'actor' | 'secret'> {
    const secret = bearerOf(c)
    const backend = backendOf(engine.settings().backends, secret)
    if (!backend) throw new Fault('backend_key_invalid')
    return { actor: `backend:${backend.id}`, secret }
  }
  const answered = (c: Context, account: ShownAccount, status: 200 | 201 = 200): Response => c.json(account satisfies z.infer<typeof AccountAnswer>, status)
  const act = (type: Parameters<typeof administration.act>[2]) => async (c: Context) => {
    const asking = askingOf(c)
    await bodyOf(c, body.NoBody)
    return answered(c, await administration.act(asking, accountOf(c), type))
  }

  return new Hono()
    .post('/', async (c) => {
      const asking = askingOf(c)
      const created = await administration.create(asking, newAccount('added', await bodyOf(c, body.NewAccountBody)))
      c.header('Location', `/v1/accounts/${created.account}`)
      return answered(c, created, 201)
    })
    .post('/import', async (c) => {
      const asking = askingOf(c)
      const { accounts } = await bodyOf(c, body.ImportBody)
      const registrations = await administration.importAll(asking, accounts.map((one) => newAccount('import', one)))
      const results = registrations.map((one) => ('account' in one ? { ...one, reason: null } : { outcome: one.outcome, account: null, reason: one.reason }))
      return c.json({ results } satisfies z.infer<typeof ImportAnswer>)
    })
    .post('/find', async (c) => {
      askingOf(c)
      const { identifier } = await bodyOf(c, body.FindBody)
      return answered(c, await administration.find(identifier))
    })
    .get('/:id', async (c) => {
      callerOf(c)
      return answered(c, await administration.show(accountOf(c)))
    })
    .get('/:id/export', async (c) => {
      const { actor } = callerOf(c)
      const because = Because.safeParse({ who: actor, why: c.req.query('why') ?? 'a request of the backend' })
      if (!because.success) throw new BadRequest('malformed', { detail: because.error.issues.map(({ message }) => `why ${message}`).join('; ') })
      return c.json((await engine.exportPerson(actor, because.data, accountOf(c))) satisfies z.infer<typeof ExportAnswer>)
    })
    .post('/:id/password', async (c) => {
      const asking = askingOf(c)
      const parsed = await bodyOf(c, body.SetPasswordBody)
      const password = 'password' in parsed ? { plain: parsed.password } : { hash: parsed.passwordHash }
      return answered(c, await administration.setPassword(asking, accountOf(c), password))
    })
    .post('/:id/mfa', async (c) => {
      const asking = askingOf(c)
      const { enabled } = await bodyOf(c, body.MfaBody)
      return answered(c, await administration.switchMfa(asking, accountOf(c), enabled))
    })
    .post('/:id/disable', act('disable'))
    .post('/:id/enable', act('enable'))
    .post('/:id/sessions/end', act('end_sessions'))
    .post('/:id/contacts', async (c) => {
      const asking = askingOf(c)
      return answered(c, await administration.addContact(asking, accountOf(c), await bodyOf(c, body.ContactBody)))
    })
    .delete('/:id/contacts/:contact', async (c) => answered(c, await administration.removeContact(askingOf(c), accountOf(c), c.req.param('contact'))))
    .delete('/:id/passkeys/:passkey', async (c) => answered(c, await administration.removePasskey(askingOf(c), accountOf(c), c.req.param('passkey'))))
    .post('/:id/erase', async (c) => {
      const asking = askingOf(c)
      await bodyOf(c, body.NoBody)
      const account = accountOf(c)
      const erased = await administration.erase(asking, account)
      return c.json({ account, erased } satisfies z.infer<typeof EraseAnswer>, erased === 'done' ? 200 : 202)
    })
}

/** @throws Fault account_unknown for what cannot be the id of an account */
function accountOf(c: Context): string {
  const id = z.uuid().safeParse(c.req.param('id')?.toLowerCase())
  if (!id.success) throw new Fault('account_unknown')
  return id.data
}

function newAccount(source: NewAccount['source'], { password, passwordHash, ...rest }: z.infer<typeof body.NewAccountBody>): NewAccount {
  if (password !== undefined) return { ...rest, source, password: { plain: password } }
  return passwordHash === undefined ? { ...rest, source } : { ...rest, source, password: { hash: passwordHash } }
}
