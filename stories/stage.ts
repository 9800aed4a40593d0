/**
 * Where stories are played: a whole engine as `npm start` starts it, with a data folder of its own, a clock that can be moved, and a carrier
 * that keeps the codes.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import { readConfig } from '../config.ts'
import type { Carrier } from '../delivery/delivery.ts'
import { Policy } from '../domain/policy.ts'
import type { Engine } from '../engine/engine.ts'
import type { NewAccount } from '../engine/new-account.ts'
import type { Recorded } from '../eventlog/event-log.ts'
import { startKeyledger } from '../main.ts'
import { openEngine } from '../open-engine.ts'
import { connectEmbedded, openDatabase } from '../projections/database.ts'
import { projections } from '../projections/read-model.ts'
import { readStatus } from '../projections/status.ts'
import { createClient, type ClientSettings } from './app.ts'
import { createAuthenticator, type Authenticator } from './authenticator.ts'
import { createWitness } from './witness.ts'

export type Stage = Awaited<ReturnType<typeof openStage>>
/** Somebody with an account. `phone`: the authenticator of the one device that they have. */
export type Person = { account: string; email: string; number: string; password: string; phone: Authenticator }

export const shop = {
  id: 'shop',
  name: 'Northwind Shop',
  rpId: 'shop.example',
  ios: [{ teamId: 'ABCDE12345', bundleId: 'example.shop' }],
  android: [{ package: 'example.shop', fingerprints: [createHash('sha256').update('the signing certificate').digest('base64url')] }],
  recoverUrl: 'https://shop.example/recover',
}

/** One for all stages on a node, which may hold what an earlier run has written. */
const nodeMasterKey = createHash('sha256').update('a master key for stories').digest()

/** Undefined: the embedded default. */
export type Parts = { eventStoreDbUrl?: string | undefined; databaseUrl?: string | undefined }

export async function openStage({ eventStoreDbUrl, databaseUrl }: Parts) {
  const witness = createWitness()
  const folder = mkdtempSync(join(tmpdir(), 'story-'))
  const data = join(folder, 'data')
  const file = join(folder, 'keyledger.json')
  writeFileSync(file, JSON.stringify({ issuer: 'https://login.shop.example', apps: [shop], sweepMs: 86_400_000 }))
  const config = {
    ...readConfig({ PORT: '0', KEYLEDGER_DATA: data, KEYLEDGER_CONFIG: file, LOG_LEVEL: 'debug' }),
    ...(eventStoreDbUrl === undefined ? {} : { eventStoreDbUrl, masterKeys: [nodeMasterKey] as const }),
    databaseUrl,
  }

  let moved = 0
  const now = (): Date => new Date(Date.now() + moved)
  const codes = new Map<string, string>()
  let messages = 0
  let refusing = false
  const deliver: Carrier = async ({ to, code, id }) => {
    if (refusing) return { delivered: false, reason: 'unreachable', retryable: true }
    messages += 1
    witness.note('address', to)
    witness.note('code', code)
    if (code !== undefined) codes.set(to, code)
    return { delivered: true, carrierId: id }
  }
  const printed: string[] = []
  const logged: string[] = []
  // A machine that is busy with other tests may be slow, and the offer is to be made all the same.
  const keyledger = await startKeyledger(config, { now, deliver, print: (line) => void printed.push(line), writeLog: (line) => void logged.push(line), patience: 20_000 })
  await keyledger.ready
  const { sql, close: disconnect } = databaseUrl === undefined ? connectEmbedded({ folder: data }) : openDatabase({ url: databaseUrl })
  const { engine, log } = keyledger

  /** Resolves when every event is in the rows. */
  async function projected(): Promise<void> {
    for (let looks = 0; looks < 1_000; looks += 1) {
      const status = await readStatus({ log, sql, projections, now }).catch(() => [])
      if (status.length > 0 && status.every(({ next }) => next === undefined) && keyledger.readModel.status().every(({ lag }) => lag === 0)) return
      await sleep(10)
    }
    throw new Error(`the projections did not catch up: ${JSON.stringify(keyledger.readModel.status())}`)
  }
  await projected()

  const others: (() => Promise<void>)[] = []

  return {
    ...keyledger,
    /** One more engine on the same log, which was just started: it has nothing in memory. */
    async otherEngine(): Promise<Engine> {
      const other = await openEngine(config, { now, deliver, print: () => {}, writeLog: () => {} }, { history: async () => 'unavailable' })
      others.push(other.close)
      return other.engine
    },
    /** The folders of all that the engine keeps on this machine. */
    kept: [folder],
    sql,
    now,
    printed,
    /** The lines of the log, at its most talkative. */
    logged,
    projected,
    fetch: witness.fetch,
    note: witness.note,
    secrets: witness.secrets,

    /** Settings are read anew for every decision. */
    setPolicy: (policy: z.input<typeof Policy>) => void Object.assign(engine.settings(), { policy: Policy.parse(policy) }),

    newApp(settings: Partial<ClientSettings> = {}) {
      const ours = { url: keyledger.url, app: shop.id, origin: `https://${shop.rpId}`, device: { model: 'Northwind Phone 12' } }
      return createClient({ ...ours, fetch: witness.fetch, ...settings })
    },

    /** Somebody whose only way to get a code is the first identifier, unless `account` says otherwise. */
    async newPerson({ by = 'email', ...account }: Partial<NewAccount> & { by?: 'email' | 'number' } = {}): Promise<Person> {
      const name = randomBytes(6).toString('hex')
      const email = `Ada.${name}@Example.com`
      const number = `+43660${String(randomBytes(4).readUInt32BE()).padStart(10, '0').slice(0, 7)}`
      const password = `correct horse ${name}`
      witness.note('identifier', email, email.toLowerCase(), number, number.slice(1))
      witness.note('password', password)
      const identifiers = [by === 'email' ? email : number]
      const registered = await engine.accounts.register({ source: 'added', identifiers, password: { plain: password }, ...account }, 'cli:story')
      if (registered.outcome !== 'registered') throw new Error(`${registered.outcome}: no new account`)
      return { account: registered.account, email, number, password, phone: createAuthenticator() }
    },

    /** The last code that was sent to the address. */
    codeFor(address: string): string {
      const code = codes.get(address.toLowerCase())
      if (code === undefined) throw new Error('no code was sent there')
      return code
    },
    /** How many messages the carrier took. */
    messages: (): number => messages,
    carrierRefuses: (refuses: boolean) => void (refusing = refuses),

    /** Nothing outstanding is left behind: a history that is far behind is not decided on. */
    async passTime(seconds: number): Promise<void> {
      await projected()
      moved += seconds * 1000
    },

    async events(stream: string): Promise<Recorded[]> {
      const events: Recorded[] = []
      for await (const event of log.read(stream)) events.push(event)
      return events
    },

    async close(): Promise<void> {
      await Promise.all(others.map((close) => close()))
      await disconnect()
      await keyledger.close()
      rmSync(folder, { recursive: true })
    },
  }
}
