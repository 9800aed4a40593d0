/** Figures and names as people read them. */
import { providerOf } from '../engine/providers.ts'

const percentFormat = new Intl.NumberFormat('en', { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 })
const wholeFormat = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const pointsFormat = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: 'exceptZero' })

export const percent = (rate: number | null): string => (rate === null ? '–' : percentFormat.format(rate))
export const whole = (count: number): string => wholeFormat.format(count)
/** A difference of two shares, in percentage points. */
export const points = (difference: number): string => `${pointsFormat.format(difference * 100).replace('-', '−')} pp`
export const seconds = (value: number): string => (value < 120 ? `${value.toFixed(1)} s` : `${(value / 60).toFixed(1)} min`)

export const moment = (iso: string, timeZone: string): string =>
  new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone }).format(new Date(iso))

const titles: Record<string, string> = {
  platform: 'Platform', osVersion: 'OS version', app: 'App', appVersion: 'App version', entryPoint: 'Entry point', variant: 'Variant', policy: 'Policy version',
  offer: 'Offer number', mode: 'Mode', provider: 'Provider', cohort: 'Cohort', period: 'Period', from: 'From', to: 'To', every: 'A row for each', timeZone: 'Time zone', by: 'By', metric: 'Figure', test: 'Tests', step: 'Step', outcome: 'Outcome', reason: 'Reason', code: 'Platform code',
  cause: 'Cause', proof: 'Signed in with', answer: 'What became of it', backup: 'Backup',
}
/** Of a column. */
export const titleOf = (group: string): string => titles[group] ?? group
/** The same within a sentence. */
export const named = (group: string): string => titleOf(group).replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase())

/** What a word of ours means, where it is not plain. Codes and names of others stay as they are. */
const known: Record<string, string> = {
  ios: 'iOS', android: 'Android', web: 'Web', '2-3': '2 to 3', '5+': '5 or more',
  used: 'Used to log in', never: 'Declined for ever', cool_down: 'Cool-down', post_login: 'After the login',
}
const ofOthers = new Set(['code', 'osVersion', 'app', 'appVersion', 'variant', 'policy', 'cohort'])

export function valueOf(group: string, value: string): string {
  if (value === 'none') return group === 'reason' ? 'No reason given' : 'Not said'
  if (group === 'provider') return providerOf(value) ?? value
  if (ofOthers.has(group)) return value
  if (group === 'outcome' && value === 'offered') return 'Nothing heard'
  if (group === 'outcome' && value === 'started') return 'Started, nothing heard since'
  const words = value.replaceAll('_', ' ')
  return known[value] ?? words.charAt(0).toUpperCase() + words.slice(1)
}
