/** Which step a login is at, by what its row holds: the rule of `domain/session/flow.ts` over a few columns, so that a row stays small. A test holds the two together. */
import { demandCode, type Branch, type Plan } from '../../domain/policy.ts'
import type { PlanStep, Proof, Requirement } from '../../domain/session/vocabulary.ts'

/** The plan of a login in ten characters: the order, what is demanded with a passkey, and without; such as `aopb!??!??`. */
export type ShortPlan = string

const letters: Record<PlanStep, string> = { append: 'a', otp: 'o', pin: 'p', biometrics: 'b' }
const demands: Record<Requirement, string> = { off: '-', optional: '?', required: '!' }
const steps = new Map(Object.entries(letters).map(([step, letter]) => [letter, step as PlanStep]))
const places: Record<Exclude<PlanStep, 'append'>, number> = { otp: 4, pin: 5, biometrics: 6 }

const short = ({ otp, pin, biometrics }: Branch): string => demands[otp] + demands[pin] + demands[biometrics]
export const shortPlan = ({ order, withPasskey, withoutPasskey }: Plan): ShortPlan =>
  order.map((step) => letters[step]).join('') + short(withPasskey) + short(withoutPasskey)

/** As `demandCode` of the domain does it. */
export function withCode(plan: ShortPlan): ShortPlan {
  const order = Array.from(plan.slice(0, 4), (letter) => steps.get(letter) as PlanStep)
  const none: Branch = { otp: 'off', pin: 'off', biometrics: 'off' }
  const first = demandCode({ policy: '', order, withPasskey: none, withoutPasskey: none, pinKeptOn: 'device' })
  return `${first.order.map((step) => letters[step]).join('')}!${plan.slice(5, 7)}!${plan.slice(8)}`
}

export type Taken = {
  plan: ShortPlan
  proof: Proof | null
  settings: boolean
  /** The passkey stands for two factors. */
  strong: boolean
  outcome: string | null
  otp: string | null
  pin: string | null
  biometrics: string | null
}

/** The step that the login waits at; null before a proof, and when nothing is left. */
export function openStep(row: Taken): PlanStep | null {
  if (row.proof === null && !row.settings) return null
  for (const letter of row.plan.slice(0, 4)) {
    const step = steps.get(letter) as PlanStep
    if (!isSettled(row, step)) return step
  }
  return null
}

const undecided = (outcome: string | null): boolean => outcome === null || outcome === 'offered' || outcome === 'started'

function isSettled(row: Taken, step: PlanStep): boolean {
  if (step === 'append') return !undecided(row.outcome)
  const demand = demandOf(row, step)
  if (demand === '-') return true
  const taken = row[step]
  if (taken === 'done' || taken === 'here' || taken === 'on' || taken === 'off') return true
  return demand === '?' && (taken === 'skipped' || taken === 'no_contact')
}

function demandOf({ plan, proof, strong, outcome }: Taken, step: keyof typeof places): string {
  if (step === 'otp' && strong) return '-'
  const place = places[step]
  const [withPasskey, without] = [plan[place] as string, plan[place + 3] as string]
  if (proof === 'passkey' || outcome === 'created') return withPasskey
  if (!undecided(outcome)) return without
  return [withPasskey, without].includes('!') ? '!' : [withPasskey, without].includes('?') ? '?' : '-'
}
