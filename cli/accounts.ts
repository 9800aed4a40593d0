/** `accounts add | show`. */
import { text as textOf } from 'node:stream/consumers'
import type { Config } from '../config.ts'
import type { AccountState } from '../domain/account/state.ts'
import type { Sealed } from '../domain/event.ts'
import type { Engine } from '../engine/engine.ts'
import type { NewAccount } from '../engine/new-account.ts'
import { accountStream } from '../engine/people.ts'
import { parseHash } from '../factors/password-hash.ts'
import { actorOf, becauseOf, type Given } from './because.ts'
import { Misuse } from './misuse.ts'
import { contactsOf, Locale } from './people-file.ts'
import { findPerson } from './person.ts'
import { withEngine } from './with-engine.ts'

export type ToAdd = {
  identifiers: readonly string[]
  password?: string | undefined
  passwordFromStdin: boolean
  /** Where codes go. Without both, the identifiers that are an address or a number. */
  email?: string | undefined
  phone?: string | undefined
  mfa?: boolean | undefined
  locale?: string | undefined
  test?: boolean | undefined
}

/** 0: it prints the new account's id; 2: refused. */
export async function addAccount(config: Config, { identifiers, password, passwordFromStdin, email, phone, mfa, locale, test }: ToAdd, given: Given): Promise<number> {
  const because = becauseOf(config, given)
  if (password !== undefined && passwordFromStdin) throw new Misuse('--password and --password-stdin: give one of them')
  const language = Locale.safeParse(locale)
  if (!language.success) throw new Misuse(`--locale ${language.error.issues[0]?.message}`)
  const plain = passwordFromStdin ? (await textOf(process.stdin)).replace(/\r?\n$/, '') : password
  const contacts = contactsOf({ email, phone })
  const account: NewAccount = {
    source: 'added',
    identifiers,
    password: plain === undefined ? undefined : { plain },
    contacts: contacts.length > 0 ? contacts : undefined,
    mfa,
    locale: language.data,
    test,
  }
  return withEngine(config, async ({ accounts, act }) => {
    const causationId = await act(actorOf(because), { ...because, what: 'accounts add' })
    const registration = await accounts.register(account, actorOf(because), { causationId })
    if (registration.outcome === 'registered') {
      console.log(registration.account)
      return 0
    }
    console.error(`Refused: ${'reason' in registration ? registration.reason : `this account is there already, ${registration.account}`}`)
    return 2
  })
}

export async function showAccount(config: Config, { who, json }: { who: string; json: boolean }, given: Given): Promise<number> {
  const because = becauseOf(config, given)
  return withEngine(config, async (engine) => {
    const person = await findPerson(engine, who)
    await engine.act(actorOf(because), { ...because, what: 'accounts show', subject: accountStream(person.id) })
    const shown = await describe(engine, person.id, person.state)
    console.log(json ? JSON.stringify(shown, null, 2) : Object.entries(shown).map(([name, value]) => `${name.padEnd(indent)}${inWords(value)}`).join('\n'))
    return 0
  })
}

/** What the account has, opened for an operator. Never a hash or a verifier. */
async function describe({ vault }: Engine, id: string, state: AccountState) {
  const open = async (sealed: Sealed): Promise<string> => (await vault.open(sealed)) ?? 'forgotten'
  return {
    account: id,
    status: state.status,
    registered: state.registeredAt,
    identifiers: await Promise.all(state.identifiers.map(async ({ kind, value }) => `${kind} ${await open(value)}`)),
    contacts: await Promise.all(state.contacts.map(async ({ channel, address }) => `${channel} ${await open(address)}`)),
    password: state.password === null ? 'none' : schemeOf(await open(state.password)),
    mfa: state.mfa,
    disabledFactors: state.disabledFactors,
    locale: state.locale ?? 'not set',
    passkeys: state.passkeys.map(({ passkey, status, aaguid, linkedAt, app }) => `${status}, by provider ${aaguid} on ${linkedAt} in app ${app}: ${passkey}`),
    installations: Object.entries(state.installations).map(([one, { pin, biometrics }]) => `${one}: ${pin ? `PIN kept on the ${pin.keptOn}` : 'no PIN'}, biometrics ${biometrics === null ? 'never asked' : biometrics ? 'on' : 'off'}`),
    neverOffer: state.neverOffer,
  }
}

function schemeOf(hash: string): string {
  const parsed = parseHash(hash)
  return 'unusable' in parsed ? 'forgotten' : `set (${parsed.scheme})`
}

const indent = 15
const inWords = (value: string | boolean | readonly string[]): string =>
  Array.isArray(value) ? value.join(`\n${' '.repeat(indent)}`) || 'none' : typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value)
