/** Every figure a second time: plain, slow, from the facts and the words of its definition. */
import { type Question } from './question.ts'
import { all, first, holds, type Login, type Plain } from './testing-plain-history.ts'
import { asksForMode, dayOf, groupOf, isBefore, isConditional, isDuring, isSettings, isTest, matches, nextPeriod, offerOf, periodOf, startOf } from './testing-plain-scope.ts'

export type PlainRow = { period: string | undefined; group: Record<string, string>; people: number; values: Record<string, number> }

/** One thing that is counted: where it belongs, whose it is, and what it adds to the sums of its row. */
type Item = { period: string | undefined; group: Record<string, string>; account: string | null; adds?: Record<string, number>; took?: boolean; seconds?: number }

type Ask = { plain: Plain; question: Question; logins: Login[]; offers: Login[] }

/** What stood against it was the policy, or the moment: the person could have been asked (definition of `funnel`). */
const couldHaveBeenOffered = ['switched_off', 'kill_switch', 'not_rolled_out', 'capped_lifetime', 'capped_in_a_row', 'capped_per_week', 'paused', 'cool_down', 'history_unavailable']

const proofOf = (login: Login) => first(login, 'PasswordVerified', 'PasskeyVerified')
const proofName = (login: Login): string => (proofOf(login)?.type === 'PasskeyVerified' ? 'passkey' : 'password')
const isLogin = (login: Login): boolean => !isSettings(login) && proofOf(login) !== undefined
const isIdentified = (login: Login): boolean => login.begin.type === 'IdentifierEntered'
const secondsBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 1000

/** Had somebody a passkey when the login began? That one signed in says so, too. */
const hadPasskey = ({ people }: Plain, login: Login): boolean =>
  proofOf(login)?.type === 'PasskeyVerified' || holds(people.get(login.account ?? ''), (at) => at < login.begin.at)

/** The last that became of an offer; a passkey that was created stays created. */
function outcomeOf(login: Login): { outcome: string; reason: string; code: string } {
  const last = first(login, 'PasskeyAppended') ?? all(login, 'AppendOffered', 'AppendStarted', 'AppendSkipped', 'AppendCancelled', 'AppendNotShown', 'AppendFailed').at(-1)
  switch (last?.type) {
    case 'PasskeyAppended':
      return { outcome: 'created', reason: 'none', code: 'none' }
    case 'AppendSkipped':
      return { outcome: last.data.reason, reason: 'none', code: 'none' }
    case 'AppendCancelled':
      return { outcome: 'cancelled', reason: last.data.reason, code: last.data.code }
    case 'AppendNotShown':
      return { outcome: 'not_shown', reason: last.data.reason, code: last.data.code }
    case 'AppendFailed':
      return { outcome: 'failed', reason: last.data.reason, code: last.data.code ?? 'none' }
    case 'AppendStarted':
      return { outcome: 'started', reason: 'none', code: 'none' }
    default:
      return { outcome: 'offered', reason: 'none', code: 'none' }
  }
}

const place = ({ plain, question }: Ask, login: Login, own: Record<string, string> = {}) => ({
  period: question.every && periodOf(dayOf(login.begin.at, question.timeZone), question.every),
  group: { ...groupOf(plain, login, question), ...own },
  account: login.account,
})

const placeKey = ({ period, group }: { period: string | undefined; group: Record<string, string> }): string => JSON.stringify([period, Object.entries(group).toSorted()])

function rows(items: Item[], valuesOf: (items: Item[]) => Record<string, number>): PlainRow[] {
  const places = new Map<string, Item[]>()
  for (const item of items) {
    const key = placeKey(item)
    const there = places.get(key)
    if (there) there.push(item)
    else places.set(key, [item])
  }
  return [...places.values()].map((all) => {
    const [{ period, group }] = all as [Item]
    return { period, group, people: new Set(all.flatMap(({ account }) => account ?? [])).size, values: valuesOf(all) }
  })
}

const share = (items: Item[]): PlainRow[] => rows(items, (all) => ({ numerator: all.filter(({ took }) => took).length, denominator: all.length }))

/** Parts of a whole: each with the share that it is of all in the same place. `shown`: the parts that the metric tells. */
function parts(ask: Ask, logins: Login[], own: (login: Login) => Record<string, string>, shown: (own: Record<string, string>) => boolean = () => true): PlainRow[] {
  const wholes = new Map<string, number>()
  for (const login of logins) {
    const key = placeKey(place(ask, login))
    wholes.set(key, (wholes.get(key) ?? 0) + 1)
  }
  const items = logins.map((login) => ({ ...place(ask, login, own(login)), whole: placeKey(place(ask, login)) }))
  return rows(items, (all) => ({ numerator: all.length, denominator: wholes.get((all[0] as (typeof items)[number]).whole) ?? 0 })).filter(({ group }) => shown(group))
}

/** The shortest time that so many in a hundred did not exceed. */
function percentile(seconds: number[], of: number): number {
  const sorted = seconds.toSorted((a, b) => a - b)
  return sorted[Math.ceil((of * sorted.length) / 100) - 1] as number
}

const times = (items: Item[]): PlainRow[] =>
  rows(items, (all) => {
    const seconds = all.map((item) => item.seconds ?? 0)
    return { p25: percentile(seconds, 25), p50: percentile(seconds, 50), p90: percentile(seconds, 90), count: all.length }
  })

const funnelSteps: [string, (login: Login, plain: Plain) => boolean][] = [
  ['password', (login) => first(login, 'PasswordVerified') !== undefined],
  ['eligible', (login) => offerOf(login) !== undefined || couldHaveBeenOffered.includes(first(login, 'AppendWithheld')?.data.reason ?? '')],
  ['offered', (login) => offerOf(login) !== undefined],
  ['started', (login) => first(login, 'AppendStarted') !== undefined],
  ['created', (login) => first(login, 'PasskeyAppended') !== undefined],
  ['activated', (login, plain) => factOf(plain, login, 'PasskeyActivated') !== undefined],
  ['used', usedLater],
]

function factOf({ people }: Plain, login: Login, type: 'PasskeyActivated') {
  const passkey = first(login, 'PasskeyAppended')?.data.passkey
  return people.get(login.account ?? '')?.facts.find((fact) => fact.type === type && fact.data.passkey === passkey)
}

const uses = new WeakMap<Plain, Map<string, string>>()
/** The passkey that was created here signed in afterwards. */
function usedLater(login: Login, plain: Plain): boolean {
  const created = first(login, 'PasskeyAppended')
  let last = uses.get(plain)
  if (!last) {
    last = new Map()
    for (const one of plain.logins) for (const { data, at } of all(one, 'PasskeyVerified')) if (at > (last.get(`${data.account} ${data.passkey}`) ?? '')) last.set(`${data.account} ${data.passkey}`, at)
    uses.set(plain, last)
  }
  return created !== undefined && (last.get(`${login.account} ${created.data.passkey}`) ?? '') > created.at
}

/** Each step counts those of the one before it. */
function funnel(ask: Ask, ofPeople: boolean): PlainRow[] {
  const counted = ask.logins.filter((login) => !isSettings(login) && (asksForMode(ask.question) || !isConditional(login)))
  const reached: Item[][] = []
  let logins = counted
  for (const [step, holds] of funnelSteps) {
    logins = logins.filter((login) => holds(login, ask.plain))
    reached.push(logins.map((login) => place(ask, login, { step })))
  }
  const count = (items: Item[]): PlainRow[] => rows(items, (all) => ({ numerator: ofPeople ? new Set(all.map(({ account }) => account)).size : all.length }))
  const before = (row: PlainRow, step: string): string => placeKey({ period: row.period, group: { ...row.group, step } })
  const counts = reached.map((items) => new Map(count(items).map((row) => [placeKey(row), row])))
  return [...(counts[0]?.values() ?? [])].flatMap((start) => {
    let denominator = start.values['numerator'] as number
    return funnelSteps.map(([step], index): PlainRow => {
      const row = counts[index]?.get(before(start, step))
      const numerator = row?.values['numerator'] ?? 0
      const told = { period: start.period, group: { ...start.group, step }, people: row?.people ?? 0, values: { numerator, denominator } }
      denominator = numerator
      return told
    })
  })
}

/**
 * Of each person the first offer that matches, whenever it was made, and whether a passkey was created at or after it; those of whom it was made in the time
 * that was asked for. Conditional offers and what came of them are counted with each other alone.
 */
function perPerson(ask: Ask, { within, own = () => ({}), of = () => true }: { within?: number; own?: (login: Login) => Record<string, string>; of?: (login: Login) => boolean } = {}): Item[] {
  const { plain, question } = ask
  const firsts = new Map<string, Login>()
  const at = (login: Login): string => first(login, 'AppendOffered')?.at ?? ''
  const whose = (login: Login): string => `${login.account} ${isConditional(login)}`
  for (const login of plain.logins) {
    if (login.account === null || !counts(ask, login) || !matches(plain, login, question) || !of(login)) continue
    const before = firsts.get(whose(login))
    if (!before || at(login) < at(before)) firsts.set(whose(login), login)
  }
  const created = new Map<string, string[]>()
  for (const login of plain.logins) {
    const passkey = first(login, 'PasskeyAppended')
    if (!passkey || (isTest(login) && !question.test)) continue
    created.set(whose(login), [...(created.get(whose(login)) ?? []), passkey.at])
  }
  return [...firsts.values()]
    .filter((login) => isDuring(login.begin.at, question))
    .map((login) => {
      const took = (created.get(whose(login)) ?? []).some((when) => when >= at(login) && (within === undefined || secondsBetween(at(login), when) <= within))
      return { ...place(ask, login, own(login)), took }
    })
}

/** There is an offer that counts: conditional ones only where a mode is asked for. */
const counts = ({ question }: Pick<Ask, 'question'>, login: Login): boolean => offerOf(login) !== undefined && (asksForMode(question) || !isConditional(login))

/** People as they are at the end of a period, or of what was asked for. */
function activation({ plain, question }: Ask): PlainRow[] {
  const { every, to, timeZone } = question
  const ofLogins = question.by.length > 0 || Object.values(question.filters).some((values) => values !== undefined)
  /** In which groups a person is, and since when. */
  const members = new Map<string, { group: Record<string, string>; since: Map<string, string> }>()
  const join = (group: Record<string, string>, account: string, at: string): void => {
    const key = placeKey({ period: undefined, group })
    const { since } = members.get(key) ?? members.set(key, { group, since: new Map() }).get(key)!
    if (at < (since.get(account) ?? '~')) since.set(account, at)
  }
  if (ofLogins) {
    for (const login of plain.logins) {
      const proof = proofOf(login)
      if (isLogin(login) && proof && login.account !== null && matches(plain, login, question)) join(groupOf(plain, login, question), login.account, proof.at)
    }
  } else for (const account of plain.people.keys()) join({}, account, '')

  const state = (period: string | undefined, { group, since }: { group: Record<string, string>; since: Map<string, string> }): PlainRow => {
    const over = every && period !== undefined ? nextPeriod(period, every) : undefined
    const counts = (at: string): boolean => (over === undefined || isBefore(at, over, timeZone)) && (to === undefined || isBefore(at, to, timeZone))
    let [people, numerator] = [0, 0]
    for (const [account, at] of since) {
      const person = plain.people.get(account)
      const registered = person?.facts.find(({ type }) => type === 'AccountRegistered')
      const isTestAccount = registered?.type === 'AccountRegistered' && registered.data.test === true
      if (!person || !registered || !counts(registered.at) || (at !== '' && !counts(at)) || (isTestAccount && !question.test)) continue
      if (person.facts.some((fact) => fact.type === 'AccountErased' && counts(fact.at))) continue
      people += 1
      if (holds(person, counts)) numerator += 1
    }
    return { period, group, people, values: { numerator, denominator: people } }
  }
  const found: PlainRow[] = []
  const begins = [...plain.people.values()].flatMap(({ facts }) => facts[0]?.at ?? []).toSorted()[0] ?? plain.newest
  for (const member of members.values()) {
    if (!every) {
      found.push(state(undefined, member))
      continue
    }
    for (let period = periodOf(dayOf(begins, timeZone), every); !(period > dayOf(plain.newest, timeZone)); period = nextPeriod(period, every)) {
      const isOver = question.from !== undefined && (question.from.includes('T') ? endsBy(period, every, question.from, timeZone) : nextPeriod(period, every) <= question.from)
      const isLater = to !== undefined && !isBefore(startOf(period, timeZone), to, timeZone)
      if (!isOver && !isLater) found.push(state(period, member))
    }
  }
  return found.filter(({ people }) => people > 0)
}

const endsBy = (period: string, every: NonNullable<Question['every']>, moment: string, timeZone: string): boolean => Date.parse(startOf(nextPeriod(period, every), timeZone)) <= Date.parse(moment)

function fallbackOf(plain: Plain, login: Login): string {
  if (!hadPasskey(plain, login)) return 'no_passkey'
  if (!first(login, 'PasskeyRequested')) return 'not_asked'
  const { reason } = first(login, 'PasswordChosen')?.data ?? {}
  return reason === 'no_credential' ? 'not_here' : (reason ?? 'none')
}

function switchedOff({ people }: Plain, login: Login): boolean {
  const on = all(login, 'BiometricToggled').find(({ data }) => data.enabled)
  const { installation } = login.begin.data
  return (people.get(login.account ?? '')?.facts ?? []).some((fact) => fact.type === 'InstallationBiometricToggled' && !fact.data.enabled && fact.data.installation === installation && fact.at > (on?.at ?? '~'))
}

const z = 1.959963984540054

/**
 * The bounds of a share: of all true shares those that what was found does not speak against (score test), found by halving.
 * `sign`: -1 for the lower one.
 */
function bound({ numerator = 0, denominator = 1 }: Record<string, number>, sign: -1 | 1): number {
  const found = numerator / denominator
  let [inside, outside] = [found, sign < 0 ? 0 : 1]
  for (let halvings = 0; halvings < 200; halvings += 1) {
    const middle = (inside + outside) / 2
    if (Math.abs(found - middle) <= z * Math.sqrt((middle * (1 - middle)) / denominator)) inside = middle
    else outside = middle
  }
  return inside
}

/** Variants of one place beside the one called control, or the first by name. */
function compared(shares: PlainRow[]): PlainRow[] {
  const baselineOf = (row: PlainRow): PlainRow => {
    const others = shares.filter((one) => placeKey({ ...one, group: { ...one.group, variant: '' } }) === placeKey({ ...row, group: { ...row.group, variant: '' } }))
    return others.find(({ group }) => group['variant'] === 'control') ?? (others.toSorted((a, b) => ((a.group['variant'] ?? '') < (b.group['variant'] ?? '') ? -1 : 1))[0] as PlainRow)
  }
  return shares.map((row): PlainRow => {
    const rate = ({ values: { numerator = 0, denominator = 1 } }: PlainRow): number => numerator / denominator
    const [low, high] = [bound(row.values, -1), bound(row.values, 1)]
    const baseline = baselineOf(row)
    const values = { ...row.values, low, high }
    if (baseline === row) return { ...row, values }
    const difference = rate(row) - rate(baseline)
    const [below, above] = [Math.hypot(rate(row) - low, bound(baseline.values, 1) - rate(baseline)), Math.hypot(high - rate(row), rate(baseline) - bound(baseline.values, -1))]
    return { ...row, values: { ...values, difference, differenceLow: difference - below, differenceHigh: difference + above } }
  })
}

const answerOf = (done: string | undefined, skipped: boolean): { answer: string } => ({ answer: done ?? (skipped ? 'skipped' : 'open') })

const metrics: Record<string, (ask: Ask) => PlainRow[]> = {
  funnel: (ask) => funnel(ask, false),
  'funnel-people': (ask) => funnel(ask, true),
  'creation-per-offer': (ask) => share(ask.offers.map((login) => ({ ...place(ask, login), took: first(login, 'PasskeyAppended') !== undefined }))),
  'creation-per-person': (ask) => share(perPerson(ask)),
  'creation-per-person-30-days': (ask) => share(perPerson(ask, { within: 720 * 3600 })),
  variants: (ask) => compared(share(perPerson(ask, { of: (login) => offerOf(login)?.variant != null, own: (login) => ({ variant: offerOf(login)?.variant ?? 'none' }) }))),
  outcomes: (ask) => parts(ask, ask.offers, (login) => ({ outcome: outcomeOf(login).outcome })),
  'outcome-reasons': (ask) =>
    parts(ask, ask.offers, (login) => ({ outcome: outcomeOf(login).outcome, reason: outcomeOf(login).reason }), ({ outcome = '' }) => ['declined', 'never', 'cancelled', 'not_shown', 'failed'].includes(outcome)),
  'outcome-codes': (ask) => parts(ask, ask.offers, (login) => ({ outcome: outcomeOf(login).outcome, code: outcomeOf(login).code }), ({ outcome = '' }) => ['cancelled', 'not_shown', 'failed'].includes(outcome)),
  withheld: (ask) =>
    parts(
      ask,
      ask.logins.filter((login) => first(login, 'AppendWithheld', 'AppendOffered')),
      (login) => ({ reason: first(login, 'AppendWithheld')?.data.reason ?? 'offered' }),
      ({ reason }) => reason !== 'offered',
    ),
  activation,
  logins: (ask) => rows(ask.logins.filter(isLogin).map((login) => place(ask, login, { proof: proofName(login) })), (all) => ({ count: all.length })),
  'passkey-login-rate': (ask) => share(ask.logins.filter(isLogin).map((login) => ({ ...place(ask, login), took: proofName(login) === 'passkey' }))),
  'passkey-login-rate-of-holders': (ask) =>
    share(ask.logins.filter((login) => isLogin(login) && hadPasskey(ask.plain, login)).map((login) => ({ ...place(ask, login), took: proofName(login) === 'passkey' }))),
  'passkey-login-success': (ask) =>
    share(ask.logins.filter((login) => isIdentified(login) && first(login, 'PasskeyRequested') && hadPasskey(ask.plain, login)).map((login) => ({ ...place(ask, login), took: first(login, 'PasskeyVerified') !== undefined }))),
  fallbacks: (ask) => parts(ask, ask.logins.filter((login) => first(login, 'PasswordVerified')), (login) => ({ cause: fallbackOf(ask.plain, login) })),
  'login-time': (ask) =>
    times(ask.logins.filter((login) => isIdentified(login) && isLogin(login)).map((login) => ({ ...place(ask, login, { proof: proofName(login) }), seconds: secondsBetween(login.begin.at, proofOf(login)?.at ?? '') }))),
  'completion-time': (ask) =>
    times(
      ask.logins
        .filter((login) => isIdentified(login) && first(login, 'SessionCompleted'))
        .map((login) => ({ ...place(ask, login, { proof: proofName(login) }), seconds: secondsBetween(login.begin.at, first(login, 'SessionCompleted')?.at ?? '') })),
    ),
  code: (ask) => parts(ask, ask.logins.filter(({ cameTo }) => cameTo.has('otp')), (login) => answerOf(first(login, 'OtpVerified') && 'done', first(login, 'OtpSkipped') !== undefined)),
  pin: (ask) => parts(ask, ask.logins.filter(({ cameTo }) => cameTo.has('pin')), (login) => answerOf(first(login, 'PinSet') && 'done', first(login, 'PinSkipped') !== undefined)),
  biometrics: (ask) =>
    parts(ask, ask.logins.filter(({ cameTo }) => cameTo.has('biometrics')), (login) => {
      const last = all(login, 'BiometricToggled').at(-1)
      return answerOf(last && (last.data.enabled ? 'on' : 'off'), first(login, 'BiometricSkipped') !== undefined)
    }),
  'biometrics-switched-off': (ask) => share(ask.logins.filter((login) => all(login, 'BiometricToggled').some(({ data }) => data.enabled)).map((login) => ({ ...place(ask, login), took: switchedOff(ask.plain, login) }))),
  'code-delivery-failures': (ask) =>
    rows(
      ask.logins.flatMap((login) => {
        const issued = all(login, 'OtpIssued').length
        return issued === 0 ? [] : [{ ...place(ask, login), adds: { numerator: all(login, 'OtpDeliveryFailed').length, denominator: issued } }]
      }),
      (items) => ({ numerator: items.reduce((sum, { adds }) => sum + (adds?.['numerator'] ?? 0), 0), denominator: items.reduce((sum, { adds }) => sum + (adds?.['denominator'] ?? 0), 0) }),
    ),
  providers: (ask) => parts(ask, ask.logins.filter((login) => first(login, 'PasskeyAppended')), (login) => ({ provider: first(login, 'PasskeyAppended')?.data.aaguid ?? '' })),
  backup: (ask) =>
    parts(ask, ask.logins.filter((login) => first(login, 'PasskeyAppended')), (login) => {
      const { backedUp, backupEligible } = first(login, 'PasskeyAppended')?.data ?? {}
      return { backup: backedUp ? 'backed_up' : backupEligible ? 'eligible' : 'device_bound' }
    }),
}

export const plainMetrics = Object.keys(metrics)

/** What a metric's own groups are called the question need not ask for. */
export function plainAnswer(plain: Plain, metric: string, asked: Question, ownGroups: readonly string[]): PlainRow[] {
  const question = { ...asked, by: asked.by.filter((one) => !ownGroups.includes(one)) }
  const logins = plain.logins.filter((login) => matches(plain, login, question) && isDuring(login.begin.at, question))
  const offers = logins.filter((login) => counts({ question }, login))
  const answer = metrics[metric]
  if (!answer) throw new TypeError(`nobody has computed ${metric} a second time`)
  return answer({ plain, question, logins, offers })
}
