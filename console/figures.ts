/** A metric on a page: its figures, what they mean, and how to take them along. */
import { html } from 'hono/html'
import type { Answer } from '../projections/adoption/answer.ts'
import type { Question } from '../projections/adoption/question.ts'
import type { Html } from './layout.ts'
import { allProvisional, headingOf, provisionalMark, tableOf } from './table.ts'
import { moment, named, valueOf } from './words.ts'

/** What the answer was to. */
export type Asked = { answer: Answer; question: Question }

/** A question as a query string, in one order. */
export function searchOf(question: Question, more: Record<string, string> = {}): string {
  const { from, to, every, timeZone, by, filters, test } = question
  const parameters = new URLSearchParams()
  const set = (name: string, value: string | undefined): void => void (value !== undefined && value !== '' && parameters.set(name, value))
  set('from', from)
  set('to', to)
  set('every', every)
  set('timeZone', timeZone === 'UTC' ? undefined : timeZone)
  set('by', by.join(','))
  for (const [name, values] of Object.entries(filters)) for (const value of values ?? []) parameters.append(name, value)
  set('test', test ? 'true' : undefined)
  for (const [name, value] of Object.entries(more)) set(name, value)
  const text = parameters.toString()
  return text === '' ? '' : `?${text}`
}

const apiOf = ({ answer, question }: Asked, format?: 'csv'): string => `/v1/adoption/${answer.metric}${searchOf(question, format ? { format } : {})}`

export const section = (asked: Asked, picture: Html = tableOf(asked.answer), level: 'wide' | 'half' | 'trend' = 'wide'): Html => {
  const { answer } = asked
  const id = `${answer.metric}-${answer.by.join('-')}`
  return html`<section class="metric ${level}" id="${id}" data-live aria-labelledby="${id}-title">
  <h2 id="${id}-title">${headingOf(answer)}${level !== 'trend' && allProvisional(answer) ? provisionalMark : ''}</h2>
  ${downloads(asked)}
  ${answer.warnings.map((warning) => html`<p class="warning"><strong>Take care:</strong> ${warning}</p>`)}
  ${answer.rows.length === 0 ? html`<p class="empty">Nothing was counted here, for this time and these filters.</p>` : picture}
  ${about(asked)}
</section>`
}

export const downloads = (asked: Asked): Html => html`<p class="downloads">${(['csv', undefined] as const).map((format) => html`<a href="${apiOf(asked, format)}" download="${asked.answer.metric}.${format ?? 'json'}">${format === 'csv' ? 'CSV' : 'JSON'}<span class="hidden"> of “${asked.answer.title}”</span></a>`)}</p>`

export const about = ({ answer }: Asked): Html => {
  const { definition, unit, denominator, asOf, timeZone, from, to, filters, k, provisionalFrom, test } = answer
  const terms: [string, string][] = [
    ['Definition', definition],
    ['Unit', unit],
    ['Denominator', denominator],
    ['As of', asOf === null ? 'nothing was counted yet' : `${moment(asOf, timeZone)} (${timeZone}), when the newest event happened that is counted`],
    ['Time', `${from ?? 'from the beginning'} to ${to === null ? 'now' : `${to}, not included`}`],
    ...Object.entries(filters).map(([name, values]): [string, string] => [`Only ${named(name)}`, (values ?? []).map((value) => valueOf(name, value)).join(', ')]),
    ...(test ? [['Tests', 'are counted too'] as [string, string]] : []),
    ...(provisionalFrom === null ? [] : [['Provisional', `from ${moment(provisionalFrom, timeZone)} on: late reports may still change it`] as [string, string]]),
    ...(k > 1 ? [['Left out', `groups of fewer than ${k} people, and where one alone would be, the next smallest too`] as [string, string]] : []),
  ]
  return html`<details class="about"><summary>What is counted<span class="hidden"> in “${answer.title}”</span></summary><dl>${terms.map(([term, what]) => html`<div><dt>${term}</dt><dd>${what}</dd></div>`)}</dl></details>`
}
