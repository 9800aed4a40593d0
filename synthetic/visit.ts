/** A person comes: one login, or two where the first one came to nothing, and what they do once they are in. */
import { decideAdministration } from '../domain/account/administration.ts'
import { decideBiometricSwitch } from '../domain/account/installations.ts'
import { decideNotice, dueNotices, type NoticeReceipt } from '../domain/account/notices.ts'
import { activePasskeys, hasPasskeyHere } from '../domain/account/passkeys.ts'
import { currentStep } from '../domain/session/flow.ts'
import type { Step } from '../domain/session/vocabulary.ts'
import { decideRefresh, decideSignOut, decideIssue, evolve as evolveTokens } from '../domain/session/tokens.ts'
import { tokensStream } from '../engine/tokens.ts'
import { uuidOf } from '../vault/sealing.ts'
import { beginLogin, type Beginning, type Login, type World } from './login.ts'
import * as odds from './odds.ts'
import { writeAccount, type Person } from './people.ts'
import { deviceOf, type Device } from './platforms.ts'
import { appendOf, instant, type Append } from './record.ts'
import * as steps from './steps.ts'

/** `until`: when the person is free again. */
export type Visit = { appends: Append[]; sessions: number; until: number }

const minute = 60_000

/** Less than that is too little for any step. */
const leastSeconds = 420

const take: Record<Step, (login: Login, world: World) => boolean> = steps

export function visit(world: World, person: Person, at: number): Visit {
  const { dice } = person
  renewPhone(person, at)
  const device = dice.chance(0.74) ? (person.devices[0] as Device) : dice.pick(person.devices)
  const appends: Append[] = []
  let sessions = 0
  let free = at

  const login = (beginning: Omit<Beginning, 'at'>): Login => {
    const one = walk(world, beginLogin(world, person, device, { ...beginning, at: free }))
    appends.push(...one.appends)
    sessions += 1
    free = one.at
    return one
  }

  // Somebody else's identifier, or nobody's: it is noticed at once.
  if (dice.chance(odds.start.mistyped)) {
    login({ entryPoint: 'post_login', as: 'mistyped' })
    free = at + 2 * minute
  }
  const mayBeNameless = device.platform !== 'web' && hasPasskeyHere(person.account as NonNullable<Person['account']>, device.installation)
  let last = login({ entryPoint: 'post_login', as: mayBeNameless && dice.chance(odds.start.usernameless) ? 'usernameless' : 'identifier' })
  if (last.view.status !== 'completed' && dice.chance(0.45)) {
    free += dice.below(10 * minute)
    last = login({ entryPoint: last.view.refusals > 0 ? 'login_error' : 'post_login', as: 'identifier' })
  }
  if (last.view.status === 'completed') {
    if (dice.chance(odds.afterwards.settings) && last.said.supports.length > 10) {
      free += dice.below(3 * minute)
      login({ entryPoint: 'settings', as: { login: last } })
    }
    const later = after(world, last, free)
    appends.push(...later.appends)
    free = later.until
  }
  const told = notices(world, person, free)
  appends.push(...told)
  return { appends, sessions, until: Math.max(free, ...told.map((one) => one.at)) }
}

/** Step by step until the login is over, or the person gone. */
function walk(world: World, login: Login): Login {
  while (login.view.status === 'running') {
    const step = currentStep(login.view)
    if (!step || login.secondsLeft() < leastSeconds || !take[step](login, world)) break
  }
  if (login.view.status !== 'completed') login.abandon()
  return login
}

/** Synced passkeys come along; the installation is another one. */
function renewPhone(person: Person, at: number): void {
  const [first, ...others] = person.devices
  if (!first || at < person.newPhoneAt) return
  person.newPhoneAt = Number.POSITIVE_INFINITY
  const platform = person.dice.chance(0.9) || first.platform === 'web' ? first.platform : first.platform === 'ios' ? 'android' : 'ios'
  person.devices = [deviceOf(person.dice, platform, first.keychain), ...others]
}

/** What a signed-in person does: the token is renewed, biometrics are switched off again, a passkey is removed, they sign out. */
function after(world: World, login: Login, at: number): { appends: Append[]; until: number } {
  const { person, session, device } = login
  const { dice } = person
  const appends: Append[] = []
  let until = at
  const account = login.account()
  const own = { actor: `account:${person.id}`, correlationId: session }
  if (account.installations[device.installation]?.biometrics === true && dice.chance(odds.biometrics.offLater)) {
    until += 30_000 + dice.below(5 * minute)
    const events = decideBiometricSwitch(account, device.installation, false)
    if (events.length > 0) appends.push(writeAccount(person, until, events, { ...own, causationId: `${session}/${dice.uuid()}`, fingerprint: dice.secret() }))
  }
  const removed = dice.chance(odds.afterwards.removesPasskey) ? activePasskeys(login.account())[0]?.passkey : undefined
  if (removed !== undefined) {
    until += 30_000 + dice.below(3 * minute)
    const { events } = decideAdministration(login.account(), { type: 'remove_passkey', passkey: removed })
    appends.push(writeAccount(person, until, events, { ...own, causationId: `${session}/${dice.uuid()}`, fingerprint: dice.secret() }))
  }
  appends.push(...tokens(world, login))
  return { appends, until }
}

/** A day or so later the app is opened again; some sign out. */
function tokens({ rollout, calendar }: World, { person, session, state }: Login): Append[] {
  const { completion, view, installation, accountRevision } = state
  const { dice } = person
  if (!completion || view.purpose === 'settings') return []
  const login = { account: person.id, app: view.app, installation, amr: completion.amr, authTime: completion.authTime, ...(accountRevision === null ? {} : { accountRevision }) }
  const lifetime = rollout.policyAt(Date.parse(completion.at)).signedIn
  let last = decideIssue(login, completion.at, lifetime).map((event) => evolveTokens(undefined, { ...event, at: completion.at }))[0]
  const appends: Append[] = []
  let at = Date.parse(completion.at)
  if (dice.chance(odds.afterwards.refreshes) && last) {
    at += 11 * minute + dice.gap(20 * 60 * minute)
    const { events } = decideRefresh(last, { generation: 0, sameKey: false }, instant(at), rollout.policyAt(at).signedIn)
    const [renewed] = events
    if (renewed && at < Math.min(calendar.until, person.erasedAt)) {
      appends.push(appendOf(dice, at, tokensStream(session), 0, [renewed], { actor: `app:${view.app}`, correlationId: session, causationId: dice.uuid(), fingerprint: dice.secret() }))
      last = evolveTokens(last, { ...renewed, at: instant(at) })
    }
  }
  if (dice.chance(odds.afterwards.signsOut) && last) {
    at += minute + dice.gap(60 * minute)
    const revision = appends.length
    if (at < Math.min(calendar.until, person.erasedAt)) appends.push(appendOf(dice, at, tokensStream(session), revision, decideSignOut(last), { actor: `account:${person.id}`, correlationId: session, causationId: dice.uuid() }))
  }
  return appends.map((one) => ({ ...one, at: Math.round(one.at) }))
}

/** Every contact is told of a new passkey, and of one that is gone, within seconds. */
function notices({ incidents }: World, person: Person, at: number): Append[] {
  const appends: Append[] = []
  const { dice, id } = person
  let sent = at + 500 + dice.below(5_000)
  for (const due of dueNotices(person.account as NonNullable<Person['account']>, instant(sent))) {
    const receipt: NoticeReceipt = due.channel === 'sms' && incidents.smsAway(sent) ? { delivered: false, reason: 'refused', retryable: false } : { delivered: true, ...(due.channel === 'sms' ? { carrierId: dice.uuid() } : {}) }
    const causationId = uuidOf(`notice ${id} ${due.notice} ${due.passkey} ${due.contact}`)
    appends.push(writeAccount(person, sent, decideNotice(person.account as NonNullable<Person['account']>, due, receipt).events, { actor: 'engine', correlationId: id, causationId }))
    sent += 40 + dice.below(400)
  }
  return appends
}
