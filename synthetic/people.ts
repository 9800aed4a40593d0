/** Who signs in: what they hold, how often they come, what they have to be reached by, and how they feel about passkeys. */
import type { KeyObject } from 'node:crypto'
import { evolve, type AccountState } from '../domain/account/state.ts'
import type { AccountEvent } from '../domain/account/events.ts'
import type { Platform } from '../domain/session/vocabulary.ts'
import type { Cause } from '../eventlog/transact.ts'
import { accountStream } from '../engine/people.ts'
import { appendOf, instant, type Append } from './record.ts'
import type { Calendar } from './calendar.ts'
import type { Dice } from './dice.ts'
import { createHistory, type History } from './history.ts'
import { deviceOf, type Device, type Keychain } from './platforms.ts'
import type { Seal } from './seals.ts'

export type Person = {
  dice: Dice
  id: string
  name: string
  email: string
  phone: string | undefined
  /** Signs in by a name instead of the address. */
  byName: boolean
  joined: number
  app: string
  mfa: boolean
  test: boolean
  /** There when the product began to use this engine. */
  imported: boolean
  /** How often they come, beside others. */
  habit: number
  /** More than 1: takes to new things. */
  eager: number
  devices: Device[]
  /** When the first device is replaced by a new one. */
  newPhoneAt: number
  erasedAt: number
  /** Of their passkeys: where each can be used. */
  keptIn: Map<string, { keychain: Keychain; installation: string }>
  secret: KeyObject | undefined
  seal: Seal | undefined
  account: AccountState | undefined
  history: History
}

const firstNames = ['ada', 'ben', 'carla', 'dario', 'elif', 'finn', 'greta', 'hugo', 'ines', 'jan', 'kira', 'leo', 'mara', 'nils', 'olga', 'paul', 'rosa', 'sami', 'tara', 'uwe', 'vera', 'yann', 'zoe']
const lastNames = ['ahrens', 'becker', 'costa', 'dietz', 'engel', 'frank', 'garcia', 'huber', 'ivanov', 'jansen', 'kaya', 'lang', 'moreau', 'novak', 'okafor', 'petit', 'rossi', 'silva', 'toth', 'vogel', 'weiss', 'yilmaz', 'ziegler']

/** The apps of the synthetic company; a person is at home in one of them. `weight`: of a hundred people, how many. */
export const apps = [
  { id: 'shop', name: 'Northwind Shop', weight: 81, test: false },
  { id: 'club', name: 'Northwind Club', weight: 18, test: false },
  { id: 'shop-beta', name: 'Northwind Shop Beta', weight: 1, test: true },
] as const
export const isTestApp = (id: string): boolean => apps.some((app) => app.id === id && app.test)

const firstDevices: readonly (readonly [Platform, number])[] = [['ios', 46], ['android', 42], ['web', 12]]

export function personOf(dice: Dice, number: number, calendar: Calendar): Person {
  const imported = dice.chance(0.72)
  // Newcomers come all year long, more of them when more is going on.
  const joined = imported ? calendar.from + dice.below(2 * 3_600_000) : calendar.after(calendar.from, dice.next() * calendar.hoursLeft(calendar.from))
  const name = `${dice.pick(firstNames)}.${dice.pick(lastNames)}.${number}`
  const first = deviceOf(dice, dice.weighed(firstDevices))
  const others = dice.chance(0.28) ? [deviceOf(dice, dice.chance(0.75) ? 'web' : dice.weighed(firstDevices), first.keychain)] : []
  const contacts = dice.weighed([['email', 58], ['both', 39], ['none', 1.2]] as const)
  return {
    dice,
    id: dice.uuid(),
    name,
    email: contacts === 'none' ? '' : `${name}@example.com`,
    // Numbers that Ofcom keeps for drama.
    phone: contacts === 'both' ? `+447700900${String(dice.below(1000)).padStart(3, '0')}` : undefined,
    byName: contacts === 'none' || dice.chance(0.08),
    joined,
    app: dice.weighed(apps.map(({ id, weight }) => [id, weight] as const)),
    mfa: contacts === 'both' && dice.chance(0.12),
    test: dice.chance(0.012),
    imported,
    habit: dice.around(1, 0.9),
    eager: dice.around(1, 0.6),
    devices: [first, ...others],
    newPhoneAt: dice.chance(0.22) ? calendar.moment(dice.next()) : Number.POSITIVE_INFINITY,
    erasedAt: dice.chance(0.004) ? calendar.moment(dice.between(0.3, 1)) : Number.POSITIVE_INFINITY,
    keptIn: new Map(),
    secret: undefined,
    seal: undefined,
    account: undefined,
    history: createHistory(),
  }
}

/** A decision of the account's, written. */
export function writeAccount(person: Person, at: number, events: readonly AccountEvent[], cause: Cause): Append {
  const revision = person.account?.revision ?? -1
  person.account = events.reduce<AccountState | undefined>((state, event) => evolve(state, { ...event, at: instant(at) }), person.account)
  return appendOf(person.dice, at, accountStream(person.id), revision, events, cause)
}
