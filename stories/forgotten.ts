/** A person who has had everything is forgotten: while they are signed in, with a second engine that has just read their secrets. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { emptyRoot } from '../audit/merkle.ts'
import { walk } from '../audit/walk.ts'
import type { Sealed } from '../domain/event.ts'
import { auditStream } from '../engine/acts.ts'
import { keyStream } from '../vault/vault.ts'
import type { Client } from './app.ts'
import { finish, firstLogin, giveCode, refused, signIn, taken, type Story } from './chapters.ts'
import type { Person, Stage } from './stage.ts'

export const forgotten: Story[] = [
  ['a person is forgotten: refused at once by every engine, nothing of them opens again, and somebody else may have their name', async (stage) => {
    const ada = await stage.newPerson()
    const { signedIn, underWay, name } = await fullLife(stage, ada)
    const other = await stage.otherEngine()
    assert.deepEqual((await other.administration.show(ada.account)).passkeys.map((one) => one.name), [name])
    const sealed = await sealedFor(stage, ada.account)
    for (const { data } of await stage.events(keyStream(ada.account))) stage.note('key', String(data['wrapped']))
    assert.ok(sealed.length > 20)
    assert.ok((await opened(stage, sealed)).includes(ada.email.toLowerCase()))
    const before = await walk({ events: stage.log.readAll({}), held: { size: 0, root: emptyRoot } })

    // The engine that serves finds the logins in the rows, the other one in the log.
    await stage.projected()
    assert.equal(Array.isArray(await stage.readModel.sessionsOf(ada.account)), true)
    const [given, searched] = await Promise.all([stage.engine, other].map((engine) => engine.exportPerson('cli:jo', { who: 'jo', why: 'Ticket 4710' }, ada.account)))
    assert.deepEqual(given, searched)
    assert.deepEqual(given?.sessions.map(({ id }) => id).toSorted(), [...signedIn, underWay].map(({ session }) => session).toSorted())

    const key = await stage.engine.act('cli:jo', { who: 'jo', why: 'Ticket 4711', what: 'accounts erase', subject: `account-${ada.account}` })
    assert.equal(await stage.engine.administration.erase({ actor: 'cli:jo', secret: key, key }, ada.account), 'done')
    assert.equal((await stage.events(auditStream(key))).length, 1)

    for (const app of signedIn) {
      refused(await app.refresh(), { status: 401, code: 'session_over' })
      await assert.rejects(other.refresh(app.session, app.tokens?.refreshToken ?? '', newKey()), { code: 'session_over' })
      await assert.rejects(other.accessTo(app.session, app.tokens?.accessToken ?? '').then(other.ownPasskeys.list), { code: 'session_over' })
    }
    // Its hash is gone as well: the right password is as wrong as any other.
    refused(await underWay.password(ada.password), { status: 403, code: 'password_rejected' })
    assert.deepEqual(await other.administration.show(ada.account).then(({ status, identifiers, contacts, passkeys }) => [status, identifiers, contacts, passkeys]), ['erased', [], [], []])
    assert.equal(await other.accounts.find(ada.email), undefined)
    // What the other one has in memory is gone within a minute; of a new one that is at once.
    assert.deepEqual(await opened(stage, sealed), sealed.map(() => undefined))

    // The proof is kept: what was signed before is what the log says after, and the erasure is in what is signed next.
    const after = await walk({ events: stage.log.readAll({}), held: { size: before.leaves, root: before.root } })
    assert.equal(after.wrong, undefined)
    assert.ok(after.leaves > before.leaves)

    const again = await stage.engine.accounts.register({ source: 'added', identifiers: [ada.email], password: { plain: ada.password } }, 'cli:jo')
    assert.equal(again.outcome, 'registered')
    const heir = stage.newApp()
    await signIn(heir, ada)
    taken(await heir.appendSkip('declined'))
    await giveCode(stage, heir, ada)
    await finish(heir)
    refused(await signedIn[0]!.refresh(), { status: 401, code: 'session_over' })
  }],
]

const newKey = (): string => randomBytes(16).toString('base64url')

/** Password, passkey, code, PIN, biometrics, contacts, names, offers taken and declined, tokens used and renewed, wrong guesses. */
async function fullLife(stage: Stage, ada: Person): Promise<{ signedIn: Client[]; underWay: Client; name: string }> {
  const [first, byPasskey, declining, underWay] = [stage.newApp(), stage.newApp(), stage.newApp(), stage.newApp()]
  await firstLogin(stage, first, ada)
  taken(await first.refresh())
  taken(await byPasskey.start(ada.email))
  taken(await byPasskey.usePasskey(ada.phone))
  if (byPasskey.latest.session?.status !== 'completed') await finish(byPasskey)
  taken(await declining.start(ada.email))
  refused(await declining.password(`not ${ada.password}`, { insteadOf: 'chosen' }), { status: 403, code: 'password_rejected' })
  taken(await declining.password(ada.password, { insteadOf: 'chosen' }))
  if (declining.latest.offer) taken(await declining.appendSkip('declined'))
  await giveCode(stage, declining, ada)
  await finish(declining)
  taken(await underWay.start(ada.email))

  const name = `Ada's telephone ${randomBytes(6).toString('hex')}`
  stage.note('device', name)
  const access = await stage.engine.access(byPasskey.tokens?.accessToken ?? '')
  const [passkey] = (await stage.engine.ownPasskeys.list(access)).passkeys
  await stage.engine.ownPasskeys.rename(access, passkey?.id ?? '', name, newKey())
  const address = `ada.${randomBytes(6).toString('hex')}@example.org`
  stage.note('identifier', address)
  await stage.engine.ownAccount.replaceContact(access, newKey(), { channel: 'email', address })
  return { signedIn: [first, byPasskey, declining], underWay, name }
}

/** Everything in the log that this account's key is needed for. */
async function sealedFor({ log }: Stage, account: string): Promise<Sealed[]> {
  const found: Sealed[] = []
  for await (const { data } of log.readAll({})) for (const [, sealed] of JSON.stringify(data).matchAll(new RegExp(`"((?:a1|p1\\.[\\d-]+)\\.${account}\\.[^"]+)"`, 'g'))) found.push(sealed as Sealed)
  return found
}

/** As an engine sees it that was just started. */
async function opened(stage: Stage, sealed: readonly Sealed[]): Promise<(string | undefined)[]> {
  const { vault } = await stage.otherEngine()
  return Promise.all(sealed.map((one) => vault.open(one)))
}
