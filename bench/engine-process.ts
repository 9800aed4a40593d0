/** The engine as `main.ts` starts it. */
import { readConfig } from '../config.ts'
import type { Passwords } from '../factors/password.ts'
import { startKeyledger, type Keyledger } from '../main.ts'
import { hash, password, type EngineOptions, type Started } from './options.ts'
import { answerCalls } from './process.ts'

/** Costs nothing, so that everything else can be seen. */
const stub: Passwords = {
  verify: async (_, given) => (given === password ? { verdict: 'right', rehash: false } : { verdict: 'wrong' }),
  hash: async () => hash,
  decoy: () => hash,
  acceptable: () => true,
}

let keyledger: Keyledger | undefined

async function start({ folder, databaseUrl, eventStoreDbUrl, hash, projecting, withoutLedger = false }: EngineOptions): Promise<Started> {
  const environment = { PORT: '0', KEYLEDGER_DATA: folder, KEYLEDGER_MASTER_KEY: Buffer.alloc(32, 7).toString('base64') }
  const config = { ...readConfig(environment), databaseUrl, eventStoreDbUrl }
  keyledger = await startKeyledger(config, {
    deliver: async () => ({ delivered: true }),
    ...(hash === 'stub' ? { passwords: stub } : {}),
    standby: !projecting,
    withoutLedger,
  })
  await keyledger.ready
  return { url: keyledger.url, codes: keyledger.engine.vault.secret('codes').export().toString('base64') }
}

/** So many accounts whose names begin with `prefix`, a hundred at a time. @returns their e-mail addresses */
async function register({ prefix, count }: { prefix: string; count: number }): Promise<string[]> {
  const { accounts } = (keyledger as Keyledger).engine
  const emails = Array.from({ length: count }, (_, n) => `${prefix}${n}@example.com`)
  for (let from = 0; from < count; from += 100) {
    await Promise.all(emails.slice(from, from + 100).map(async (email) => {
      const { outcome } = await accounts.register({ source: 'import', identifiers: [email], password: { hash } }, 'cli:bench')
      if (outcome !== 'registered') throw new Error(`${email}: ${outcome}`)
    }))
  }
  return emails
}

/** ms: the age of the oldest event that is in no row yet. */
const lag = (): number => Math.max(...(keyledger as Keyledger).readModel.status().map(({ lag }) => lag ?? Number.POSITIVE_INFINITY))

answerCalls({ start, register, lag }, async () => keyledger?.close())
