/** People who register, sign in, and see to their accounts, all at once and without end; and what each of them was told is held against the log. */
import assert from 'node:assert/strict'
import { createHash, pbkdf2Sync, randomBytes } from 'node:crypto'
import { requestOf } from '../mobile-contracts/actions.ts'
import { createAuthenticator } from '../stories/authenticator.ts'
import { createClient, type Client } from '../stories/app.ts'
import { legal, taken } from '../stories/chapters.ts'
import { shop } from '../stories/stage.ts'
import type { Dice } from './dice.ts'
import type { EngineProcess } from './engine-process.ts'
import { assertAcknowledged, assertRepeatable, eventsOf } from './evidence.ts'
import { createJournal, type Entry, type Totals } from './journal.ts'
import { backendKey, type Place } from './place.ts'
import { walk, type Walker } from './walk.ts'

export type Load = ReturnType<typeof createLoad>
export type LoadTotals = Totals & { logins: number; passkeyLogins: number; people: number; changes: number }

export function createLoad({ place, engine, dice }: { place: Pick<Place, 'log' | 'mailbox'>; engine: Pick<EngineProcess, 'url' | 'up'>; dice: Dice }) {
  const { log, mailbox } = place
  const totals: LoadTotals = { answers: 0, sentAgain: 0, unavailable: 0, repeats: 0, logins: 0, passkeyLogins: 0, people: 0, changes: 0 }
  /** Who gets mail at an address: the streams in which the engine notes that it was sent. */
  const streamsOf = new Map<string, () => string[]>()
  let leaving = false
  const stopped = new AbortController()

  /** One person after the other, each with an installation of their own. */
  async function live(chance: Dice): Promise<void> {
    while (!leaving) {
      const journal = createJournal({ up: engine.up, totals })
      const app = createClient({ url: engine.url, app: shop.id, origin: `https://${shop.rpId}`, fetch: journal.fetch })
      const walker: Walker = { email: `${randomBytes(8).toString('hex')}@example.com`, password: randomBytes(8).toString('hex'), device: createAuthenticator(), hasPasskey: false }
      const asBackend = { authorization: `Bearer ${backendKey}` }
      const post = async (path: string, body: object, headers: Record<string, string>): Promise<Entry> => {
        const key = randomBytes(16).toString('base64url')
        const response = await journal.fetch(`${engine.url}${path}`, { method: 'POST', headers: { 'idempotency-key': key, 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })
        const entry = journal.entries().at(-1) as Entry
        assert.ok(response.ok, `${path}: ${response.status} ${JSON.stringify(entry.body)}`)
        return entry
      }

      const { body } = await post('/v1/accounts/import', { accounts: [{ identifiers: [walker.email], passwordHash: cheapHash(walker.password) }] }, asBackend)
      const [result] = body['results'] as { outcome: string; account: string }[]
      assert.equal(result?.outcome, 'registered')
      const account = result?.account as string
      streamsOf.set(walker.email, () => [`session-${app.session}`, `account-${account}`])
      totals.people += 1
      await assertRepeatable(journal, journal.entries())

      for (let logins = 0; logins < 3 && !leaving; logins += 1) {
        journal.clear()
        await walk({ app, walker, dice: chance, codeAt: mailbox.codeAt })
        totals.logins += 1
        if (app.latest.assertion?.outcome === 'verified') totals.passkeyLogins += 1
        await assertAcknowledged(log, app.session, journal.entries())
        await assertRepeatable(journal, journal.entries())
        await assertLeft(account, app)

        journal.clear()
        const before = app.tokens?.refreshToken
        taken(await app.refresh())
        const [refreshed] = journal.entries()
        await assertRepeatable(journal, [refreshed as Entry])
        assert.notEqual(app.tokens?.refreshToken, before)
        await assertChanges(account, app, post, asBackend, chance)
        await assertRepeatable(journal, journal.entries().filter(({ url }) => url.includes('/v1/accounts/')))
        if (chance(0.5)) assert.equal((await app.signOut()).status, 204)
      }
      streamsOf.delete(walker.email)
    }
  }

  /** What a finished login leaves: its passkey is active, its tokens are those that were given. */
  async function assertLeft(account: string, app: Client): Promise<void> {
    const passkey = app.latest.passkey?.id
    const events = await eventsOf(log, `account-${account}`)
    const about = (type: string) => events.filter((event) => event.type === type && event.data['passkey'] === passkey).length
    if (passkey) assert.deepEqual([about('PasskeyLinked'), about('PasskeyActivated'), about('PasskeyRevoked')], [1, 1, 0], `the passkey ${passkey} of ${account}`)
    const tokens = await eventsOf(log, `tokens-${app.session}`)
    assert.deepEqual(tokens.map(({ type }) => type), ['TokensIssued'], `the tokens of ${app.session}`)
  }

  /** A change of the account and one of the device's: each is in the account's stream once. */
  async function assertChanges(account: string, app: Client, post: (path: string, body: object, headers: Record<string, string>) => Promise<Entry>, asBackend: Record<string, string>, chance: Dice): Promise<void> {
    const asOwner = { authorization: `Bearer ${app.tokens?.accessToken}` }
    const made: Entry[] = []
    if (chance(0.5)) made.push(await post(`/v1/accounts/${account}/contacts`, { channel: 'sms', address: `+43660${1_000_000 + chance.below(9_000_000)}` }, asBackend))
    if (legal(app).includes('switch_biometrics')) made.push(await post(`/v1/sessions/${app.session}${requestOf.switch_biometrics.path}`, { enabled: chance(0.5) }, asOwner))
    if (app.latest.passkey && chance(0.5)) made.push(await post(`/v1/passkeys/${app.latest.passkey.id}/name`, { name: `Phone ${randomBytes(6).toString('hex')}` }, asOwner))
    const events = await eventsOf(log, `account-${account}`)
    for (const { url, key } of made) {
      const wrote = events.filter(({ metadata }) => metadata.$causationId.endsWith(`/${key}`))
      // A switch that is already so is no change.
      assert.ok(wrote.length === 1 || url.endsWith('/biometrics'), `${url} (${key}) was acknowledged, and wrote ${wrote.length} events`)
    }
    totals.changes += made.length
  }

  return {
    totals,
    streamsOf,
    /** Rejects at the first thing that is not as it must be. */
    run: (apps: number): Promise<unknown> => Promise.all(Array.from({ length: apps }, (_, n) => live(dice.for(n)))).finally(() => stopped.abort()),
    /** Aborts when nobody goes on any more: everybody is done, or something was wrong. */
    stopped: stopped.signal,
    /** Everybody finishes the login that they are in. */
    leave: (): void => void (leaving = true),
  }
}

/** As an old system may have left it: it costs nothing, and the first good login replaces it. */
function cheapHash(password: string): string {
  const salt = createHash('sha256').update(password).digest().subarray(0, 12)
  const plain = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replaceAll('=', '')
  return `$pbkdf2-sha256$1$${plain(salt)}$${plain(pbkdf2Sync(password, salt, 1, 32, 'sha256'))}`
}
