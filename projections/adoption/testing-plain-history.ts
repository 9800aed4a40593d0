/**
 * The raw facts of a log, login by login and person by person, for a second computation of every figure. It reads the definitions' words, not their
 * queries: no code of the projections is used here, and nothing is kept but what happened.
 */
import { accountEvents, type AccountEvent } from '../../domain/account/events.ts'
import { parseFact, type Fact } from '../../domain/event.ts'
import { sessionEvents, type SessionEvent } from '../../domain/session/events.ts'
import { currentStep } from '../../domain/session/flow.ts'
import { evolve, type SessionState } from '../../domain/session/state.ts'
import type { Step } from '../../domain/session/vocabulary.ts'
import type { EventLog } from '../../eventlog/event-log.ts'

type Of<T extends SessionEvent['type']> = Fact<Extract<SessionEvent, { type: T }>>
type Begin = Of<'IdentifierEntered' | 'UsernamelessLoginStarted' | 'SettingsEntered'>

export type Login = {
  session: string
  facts: Fact<SessionEvent>[]
  begin: Begin
  /** Whose it is, as far as anybody said. */
  account: string | null
  /** Every step that it stood at while it ran, and could be taken. */
  cameTo: Set<Step>
}
export type Person = { account: string; facts: Fact<AccountEvent>[] }
export type Plain = { logins: Login[]; people: Map<string, Person>; /** When the newest fact happened that a figure could be of. */ newest: string }

export const all = <T extends SessionEvent['type']>({ facts }: Login, ...types: T[]): Of<T>[] => facts.filter((fact): fact is Of<T> => (types as string[]).includes(fact.type))
export const first = <T extends SessionEvent['type']>(login: Login, ...types: T[]): Of<T> | undefined => all(login, ...types)[0]

/** Of an account's facts, those that a figure is of. */
const counted = ['AccountRegistered', 'PasskeyActivated', 'PasskeyRevoked', 'AccountErased']

export async function readPlain(log: EventLog): Promise<Plain> {
  const sessions = new Map<string, Fact<SessionEvent>[]>()
  const people = new Map<string, Person>()
  let newest = ''
  const saw = (at: string): void => void (newest = at > newest ? at : newest)
  for await (const event of log.readAll({ prefixes: ['session-', 'account-'] })) {
    const id = event.stream.slice(event.stream.indexOf('-') + 1)
    if (event.stream.startsWith('session-')) {
      sessions.set(id, [...(sessions.get(id) ?? []), parseFact(sessionEvents, event)])
      saw(event.metadata.at)
      continue
    }
    const fact = parseFact(accountEvents, event)
    people.set(id, { account: id, facts: [...(people.get(id)?.facts ?? []), fact] })
    if (counted.includes(fact.type) || (fact.type === 'InstallationBiometricToggled' && !fact.data.enabled)) saw(fact.at)
  }
  return { logins: [...sessions].map(([session, facts]) => loginOf(session, facts)), people, newest }
}

function loginOf(session: string, facts: Fact<SessionEvent>[]): Login {
  const cameTo = new Set<Step>()
  let state: SessionState | undefined
  for (const fact of facts) {
    state = evolve(state, fact)
    const step = state.view.status === 'running' ? currentStep(state.view) : undefined
    // A code that can go nowhere is asked of nobody.
    if (step && !(step === 'otp' && state.view.contacts.length === 0)) cameTo.add(step)
  }
  return { session, facts, begin: facts[0] as Begin, account: state?.view.account ?? null, cameTo }
}

/** Whether the account had a passkey that signs in, when this much had happened to it. */
export function holds(person: Person | undefined, counts: (at: string) => boolean): boolean {
  const active = new Set<string>()
  for (const fact of person?.facts ?? []) {
    if (!counts(fact.at)) continue
    if (fact.type === 'PasskeyActivated') active.add(fact.data.passkey)
    if (fact.type === 'PasskeyRevoked') active.delete(fact.data.passkey)
    if (fact.type === 'AccountErased') active.clear()
  }
  return active.size > 0
}

/** The provider of a passkey, as the account was told when it was linked. */
export function providerOf({ people }: Plain, account: string | null, passkey: string): string | undefined {
  const linked = people.get(account ?? '')?.facts.find((fact) => fact.type === 'PasskeyLinked' && fact.data.passkey === passkey)
  return linked?.type === 'PasskeyLinked' ? linked.data.aaguid : undefined
}
