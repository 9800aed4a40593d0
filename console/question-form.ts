/** The filters: a plain form whose answer is the address of the page, so that it can be kept, sent and gone back to. */
import { html } from 'hono/html'
import { EntryPoint, Platform } from '../domain/session/vocabulary.ts'
import { Every, offerBuckets, type Dimension, type Question } from '../projections/adoption/question.ts'
import { searchOf } from './figures.ts'
import type { Html } from './layout.ts'
import { titleOf, valueOf } from './words.ts'

/** What a page asks beside the filters. */
export type Choice = { name: string; label: string; value: string; options: readonly (readonly [value: string, text: string])[] }
/** `typed`: what stood there, which is not taken away. */
export type Fault = { field: string; message: string; typed: string }
export type Form = {
  path: string
  question: Question
  now: Date
  apps: readonly { id: string; name: string }[]
  choices?: readonly Choice[]
  /** The page has rows by period. */
  periods?: boolean
  /** What cannot be asked, and why. */
  fault?: Fault | undefined
}

/** One that a date field can show. */
const isDay = (text: string): boolean => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text))

const spans = [['7 days', 7], ['28 days', 28], ['90 days', 90], ['a year', 365]] as const
const checked = ['platform', 'entryPoint', 'offer', 'mode'] as const
const typed = ['osVersion', 'appVersion', 'variant', 'policy', 'provider', 'cohort'] as const
const values: Record<(typeof checked)[number], readonly string[]> = {
  platform: Platform.options,
  entryPoint: EntryPoint.options,
  offer: offerBuckets,
  mode: ['manual', 'automatic', 'conditional'],
}
const hints: Partial<Record<Dimension, string>> = { cohort: 'Mondays, such as 2026-11-02', provider: 'AAGUIDs', osVersion: 'such as 19.1, 19.2' }

export const questionForm = (form: Form): Html => {
  const { path, question, apps, choices = [], periods = false, fault } = form
  const { from = '', to = '', timeZone, every, filters, test } = question
  const typedIn = (name: string, value: string): string => (fault?.field === name ? fault.typed : value)
  const wrong = (name: string): Html | '' => (fault?.field === name ? html` aria-invalid="true" aria-describedby="fault"` : '')
  const moment = (name: 'from' | 'to', label: string, asked: string): Html => {
    const value = typedIn(name, asked)
    return html`<label>${label} <input name="${name}" value="${value}" type="${value === '' || isDay(value) ? 'date' : 'text'}"${wrong(name)}></label>`
  }
  const more = [...typed, 'entryPoint', 'offer', 'mode', 'timeZone', 'test']
  return html`<form class="question" action="${path}" aria-label="What is asked">
  ${fault ? html`<p id="fault" class="fault" role="alert"><strong>This cannot be asked.</strong> ${titleOf(fault.field)} ${fault.message}.</p>` : ''}
  <div class="row">
    ${choices.map(({ name, label, value, options }) => select(name, label, value, options, wrong(name)))}
    ${periods ? select('every', 'A row for each', every ?? 'week', Every.options.map((one) => [one, one] as const), wrong('every')) : ''}
    ${moment('from', 'From', from)}
    ${moment('to', 'To, not included', to)}
    ${boxes('platform', question)}
    ${named(apps, filters.app).length > 1 || filters.app ? boxes('app', question, named(apps, filters.app)) : ''}
    <button class="main">Show</button>
    ${searchOf(question) === '' ? '' : html`<a href="${path}">Clear</a>`}
  </div>
  <p class="row spans">The last ${spans.map(([text, days]) => html`<a href="${path}${searchOf({ ...question, from: daysAgo(form, days), to: undefined }, keep(choices))}">${text}</a> `)}</p>
  <details${isAsked(question, more) || more.includes(fault?.field ?? '') ? html` open` : ''}><summary>More filters</summary>
    <div class="row">
      ${typed.map((name) => html`<label>${titleOf(name)} <input name="${name}" value="${typedIn(name, (filters[name] ?? []).join(','))}" placeholder="${hints[name] ?? 'several with commas'}"${wrong(name)}></label>`)}
      ${checked.filter((name) => name !== 'platform').map((name) => boxes(name, question))}
      <label>Time zone <input name="timeZone" value="${typedIn('timeZone', timeZone === 'UTC' ? '' : timeZone)}" placeholder="UTC"${wrong('timeZone')}></label>
      <label class="check"><input type="checkbox" name="test" value="true"${test ? html` checked` : ''}> Count tests too</label>
    </div>
  </details>
</form>`
}

const select = (name: string, label: string, value: string, options: readonly (readonly [string, string])[], wrong: Html | ''): Html =>
  html`<label>${label} <select name="${name}"${wrong}>${options.map(([one, text]) => html`<option value="${one}"${one === value ? html` selected` : ''}>${text}</option>`)}</select></label>`

const boxes = (name: (typeof checked)[number] | 'app', { filters }: Question, options: readonly (readonly [value: string, text: string])[] = name === 'app' ? [] : values[name].map((value) => [value, valueOf(name, value)])): Html =>
  html`<fieldset><legend>${titleOf(name)}</legend>${options.map(([value, text]) => html`<label class="check"><input type="checkbox" name="${name}" value="${value}"${filters[name]?.includes(value) ? html` checked` : ''}> ${text}</label>`)}</fieldset>`

/** One that is asked for stays to be seen, though it is registered no more. */
const named = (apps: Form['apps'], asked: readonly string[] = []): (readonly [string, string])[] =>
  [...apps.map(({ id, name }) => [id, name] as const), ...asked.filter((id) => !apps.some((app) => app.id === id)).map((id) => [id, id] as const)]

const isAsked = ({ filters, timeZone, test }: Question, names: readonly string[]): boolean =>
  names.some((name) => (name === 'timeZone' ? timeZone !== 'UTC' : name === 'test' ? test : filters[name as Dimension] !== undefined))

const keep = (choices: readonly Choice[]): Record<string, string> => Object.fromEntries(choices.map(({ name, value }) => [name, value]))

/** In the question's time zone, as a day. */
function daysAgo({ now, question: { timeZone } }: Form, days: number): string {
  const at = new Date(now.getTime() - days * 86_400_000)
  // Sweden writes dates as ISO 8601 does.
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(at)
}
