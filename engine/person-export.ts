/** Everything that the log has of one person, for that person (GDPR, art. 15): opened, with what each fact means. */
import type { Because } from '../domain/audit/because.ts'
import { accountEvents } from '../domain/account/events.ts'
import { evolve, type AccountState } from '../domain/account/state.ts'
import { parseFact, type Sealed } from '../domain/event.ts'
import { sealedFields } from '../domain/sealed-fields.ts'
import { sessionEvents } from '../domain/session/events.ts'
import { evolve as evolveSession, type SessionState } from '../domain/session/state.ts'
import { tokensEvents } from '../domain/session/tokens.ts'
import type { Channel, Platform, Proof, SessionStatus } from '../domain/session/vocabulary.ts'
import type { JsonObject, Recorded } from '../eventlog/event-log.ts'
import type { Streams } from '../eventlog/transact.ts'
import { Forgotten, type Vault } from '../vault/vault.ts'
import type { RecordAct } from './acts.ts'
import type { AccountView, ShownAccount } from './account-view.ts'
import { Fault } from './faults.ts'
import { shown, type ShownPasskey } from './own-passkeys.ts'
import { accountStream } from './people.ts'
import { sessionStream } from './step.ts'
import { tokensStream } from './tokens.ts'

/** `at`: ISO 8601. `meaning`: what the event means, and what it does not imply. */
export type PersonFact = { at: string; event: string; meaning: string; data: JsonObject }
/** What was told of the device, or seen of the connection; null where it was not, or is no longer kept. */
type Place = { address: string | null; userAgent: string | null; deviceModel: string | null }
export type PersonSession = Place & {
  id: string
  startedAt: string
  status: SessionStatus
  app: string
  platform: Platform
  installation: string
  locale: string
  /** As it was typed. */
  identifier: string | null
  /** Null: nobody proved to be the person, so it may have been somebody else. */
  signedInBy: Proof | null
  facts: PersonFact[]
}
export type PersonExport = Omit<ShownAccount, 'passkeys' | 'contacts'> & {
  /** Those that were removed, too. */
  contacts: { id: string; channel: Channel; address: string; removed: boolean }[]
  passkeys: (Omit<ShownPasskey, 'status'> & { status: 'pending' | 'active' | 'revoked' })[]
  installations: { id: string; pin: 'device' | 'server' | null; biometrics: boolean | null }[]
  neverOffer: boolean
  facts: PersonFact[]
  sessions: PersonSession[]
}

/** The ids of all sessions that name the account; 'unavailable': not known now, look for them in the log. */
export type SessionsOf = (account: string) => Promise<readonly string[] | 'unavailable'>

/** Kept to tell whether a secret is right. They are of no use to the person, and of use to a thief. */
const withheld: readonly string[] = ['hash', 'verifier', 'flowTokenHash']
const dropped = 'no longer kept'

type Schemas = Parameters<typeof parseFact>[0]

export function createPersonExports({ streams: { log }, vault, view, sessionsOf, act }: { streams: Streams; vault: Vault; view: AccountView; sessionsOf: SessionsOf; act: RecordAct }) {
  const open = async (sealed: Sealed): Promise<string> => (await vault.open(sealed)) ?? dropped

  async function factOf(schemas: Schemas, recorded: Recorded): Promise<PersonFact> {
    const { type, data, at } = parseFact(schemas, recorded)
    const schema = schemas[type] as Schemas[string]
    const copy = structuredClone(data) as JsonObject
    for (const { path, value } of sealedFields(schema, data)) put(copy, path, withheld.includes(String(path.at(-1))) ? 'withheld' : await open(value))
    for (const name of withheld) if (name in copy) put(copy, [name], 'withheld')
    return { at, event: type, meaning: schema.description ?? '', data: copy }
  }

  async function factsOf(schemas: Schemas, stream: string): Promise<PersonFact[]> {
    const facts: PersonFact[] = []
    for await (const recorded of log.read(stream)) facts.push(await factOf(schemas, recorded))
    return facts
  }

  /** From the log itself, which takes a second for every fifty thousand events: where no row can tell. */
  async function searchSessions(account: string): Promise<string[]> {
    const found = new Set<string>()
    for await (const { stream, data } of log.readAll({ prefixes: ['session-'] })) if (data['account'] === account) found.add(stream.slice('session-'.length))
    return [...found]
  }

  async function sessionOf(id: string): Promise<PersonSession> {
    const facts: PersonFact[] = []
    let folded: SessionState | undefined
    for await (const recorded of log.read(sessionStream(id))) {
      folded = evolveSession(folded, parseFact(sessionEvents, recorded))
      facts.push(await factOf(sessionEvents, recorded))
    }
    const [state, first] = [folded as SessionState, facts[0] as PersonFact]
    const told = (name: string): string | null => (typeof first.data[name] === 'string' && first.data[name] !== dropped ? first.data[name] : null)
    return {
      id,
      startedAt: first.at,
      status: state.view.status,
      app: state.view.app,
      platform: state.view.platform,
      installation: state.installation,
      locale: state.locale,
      identifier: told('identifier'),
      address: told('address'),
      userAgent: told('userAgent'),
      deviceModel: told('deviceModel'),
      signedInBy: state.view.proof,
      facts: [...facts, ...(await factsOf(tokensEvents, tokensStream(id)))],
    }
  }

  /** That it was asked for, by whom and why, is a fact before anything is opened. @throws Fault account_unknown; Forgotten when the person was erased; Unavailable, OutcomeUnknown */
  return async function exportPerson(actor: string, because: Because, account: string): Promise<PersonExport> {
    let state: AccountState | undefined
    const contacts = new Map<string, AccountState['contacts'][number]>()
    for await (const recorded of log.read(accountStream(account))) {
      state = evolve(state, parseFact(accountEvents, recorded))
      for (const one of state.contacts) contacts.set(one.contact, one)
    }
    if (!state) throw new Fault('account_unknown')
    if (state.status === 'erased') throw new Forgotten('the account was erased')
    await act(actor, { ...because, what: 'accounts export', subject: accountStream(account) })
    const { contacts: present, passkeys, installations, neverOffer } = state
    const known = await sessionsOf(account)
    const ids = known === 'unavailable' ? await searchSessions(account) : known
    const all: PersonSession[] = []
    for (const id of ids) all.push(await sessionOf(id))
    return {
      ...(await view.accountOf(account, state)),
      contacts: await Promise.all([...contacts.values()].map(async ({ contact: id, channel, address }) => ({ id, channel, address: await open(address), removed: !present.some(({ contact }) => contact === id) }))),
      passkeys: await Promise.all(passkeys.map(async (one) => ({ ...(await shown(vault, one)), status: one.status }))),
      installations: Object.entries(installations).map(([id, { pin, biometrics }]) => ({ id, pin: pin?.keptOn ?? null, biometrics })),
      neverOffer,
      facts: await factsOf(accountEvents, accountStream(account)),
      sessions: all.toSorted((one, other) => (one.startedAt < other.startedAt ? -1 : 1)),
    }
  }
}

/** Replaces what stands at a path that is there. */
function put(data: JsonObject, path: readonly (string | number)[], text: string): void {
  let place = data as Record<string | number, unknown>
  for (const step of path.slice(0, -1)) place = place[step] as Record<string | number, unknown>
  place[path.at(-1) as string | number] = text
}
