/** `accounts import | add | show`. */
import { text as textOf } from 'node:stream/consumers'
import type { Config } from '../config.ts'
import type { AccountState } from '../domain/account/state.ts'
import type { Sealed } from '../domain/event.ts'
import type { Engine } from '../engine/engine.ts'
import type { NewAccount } from '../engine/new-account.ts'
import { parseHash } from '../factors/password-hash.ts'
import { openPeopleFile, type PersonRow } from './people-file.ts'
import { showProgress } from './progress.ts'
import { withEngine } from './with-engine.ts'

/** Registrations under way at once: they share the log's fsyncs. */
const atOnce = 512

/** 0: all rows are there; 2: some were refused, each with a line of its own. */
export async function importAccounts(config: Config, { file, format }: { file: string; format: string | undefined }): Promise<number> {
  const kind = format ?? (/\.csv$/i.test(file) ? 'csv' : /\.(ndjson|jsonl)$/i.test(file) ? 'ndjson' : undefined)
  if (kind !== 'csv' && kind !== 'ndjson') throw new Error('the name does not say what it is: add --format csv or --format ndjson')
  const { rows, share } = await openPeopleFile(file, kind)
  return withEngine(config, async ({ accounts }) => {
    const counts = { registered: 0, exists: 0, refused: 0 }
    const total = () => counts.registered + counts.exists + counts.refused
    const bar = showProgress('people', () => ({ done: total(), share: share() }))
    const refuse = (line: number, reason: string) => {
      counts.refused += 1
      bar.print(`line ${line}: ${reason}`)
    }
    try {
      await eachAtOnce(rows, atOnce, async (row: PersonRow) => {
        if ('problem' in row) return refuse(row.line, row.problem)
        const registration = await accounts.register(row.account, 'cli:import')
        if (registration.outcome === 'refused') refuse(row.line, registration.reason)
        else counts[registration.outcome] += 1
      })
    } finally {
      bar.end()
    }
    console.log(`registered ${counts.registered}, already there ${counts.exists}, refused ${counts.refused}`)
    return counts.refused > 0 ? 2 : 0
  })
}

type Added = { identifiers: string[]; password?: string | undefined; passwordFromStdin: boolean; email?: string | undefined; phone?: string | undefined } & Pick<NewAccount, 'mfa' | 'locale' | 'test'>

export async function addAccount(config: Config, { identifiers, password, passwordFromStdin, email, phone, mfa, locale, test }: Added): Promise<number> {
  const plain = passwordFromStdin ? (await textOf(process.stdin)).replace(/\r?\n$/, '') : password
  const contacts = [...(email === undefined ? [] : [{ channel: 'email' as const, address: email }]), ...(phone === undefined ? [] : [{ channel: 'sms' as const, address: phone }])]
  const account: NewAccount = {
    source: 'added',
    identifiers,
    password: plain === undefined ? undefined : { plain },
    contacts: contacts.length > 0 ? contacts : undefined,
    mfa,
    locale,
    test,
  }
  return withEngine(config, async ({ accounts }) => {
    const registration = await accounts.register(account, 'cli:add')
    if (registration.outcome === 'refused') throw new Error(registration.reason)
    if (registration.outcome === 'exists') throw new Error(`this account is there already: ${registration.account}`)
    console.log(registration.account)
    return 0
  })
}

export async function showAccount(config: Config, { who, json }: { who: string; json: boolean }): Promise<number> {
  return withEngine(config, async (engine) => {
    const { accounts } = engine
    const byId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(who) ? await accounts.load(who.toLowerCase()) : undefined
    const person = byId ? { id: who.toLowerCase(), state: byId } : await accounts.find(who).then((found) => found && { id: found.id, state: found.account.state })
    if (!person) throw new Error('there is no such account')
    const shown = await describe(engine, person.id, person.state)
    console.log(json ? JSON.stringify(shown, null, 2) : Object.entries(shown).map(([name, value]) => `${name.padEnd(14)}${plainly(value)}`).join('\n'))
    return 0
  })
}

/** What the account has, opened for an operator. Never a hash or a verifier. */
async function describe({ vault }: Engine, id: string, state: AccountState) {
  const open = async (sealed: Sealed) => (await vault.open(sealed)) ?? '(forgotten)'
  const hash = state.password && parseHash(await open(state.password))
  return {
    account: id,
    status: state.status,
    registered: state.registeredAt,
    identifiers: await Promise.all(state.identifiers.map(async ({ kind, value }) => `${kind} ${await open(value)}`)),
    contacts: await Promise.all(state.contacts.map(async ({ channel, address }) => `${channel} ${await open(address)}`)),
    password: hash ? ('unusable' in hash ? 'unusable' : hash.scheme) : 'none',
    mfa: state.mfa,
    locale: state.locale ?? 'not set',
    neverOffer: state.neverOffer,
    passkeys: state.passkeys.map(({ passkey, status, aaguid, linkedAt }) => `${status}, provider ${aaguid}, since ${linkedAt}, ${passkey}`),
    installations: Object.entries(state.installations).map(([one, { pin, biometrics }]) => `${one}: PIN ${pin ? `on the ${pin.keptOn}` : 'none'}, biometrics ${biometrics === null ? 'not asked' : biometrics ? 'on' : 'off'}`),
  }
}

const plainly = (value: string | boolean | string[]): string =>
  Array.isArray(value) ? value.join(`\n${' '.repeat(14)}`) || 'none' : typeof value === 'boolean' ? (value ? 'yes' : 'no') : value

/** Works on so many items at once, and reads no further ahead. The first error ends it, after what is under way. */
async function eachAtOnce<T>(items: AsyncIterable<T>, most: number, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.asyncIterator]()
  let failed = false
  const worker = async (): Promise<void> => {
    while (!failed) {
      const next = await iterator.next()
      if (next.done) return
      try {
        await work(next.value)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: most }, worker))
  const broken = ends.find((end) => end.status === 'rejected')
  if (broken) throw broken.reason
}
