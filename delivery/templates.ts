/** What a person reads: one JSON file a locale, checked whole when it is loaded. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Message } from './delivery.ts'

export type Templates = {
  /** `locale` is the one that the text is written in. */
  email(message: Message): { locale: string; subject: string; text: string; html: string }
  sms(message: Message): { locale: string; text: string }
}

type Values = { app: string; code: string; validity: string }

/**
 * Loads every `<locale>.json` of the folder.
 * @throws Error that names the file and the text: no `en.json`, a text missing, a placeholder missing, unknown or out of place, or the SMS with
 * a code too long for Android's SMS Retriever (an app's name of 30 bytes and a code of 8 digits must fit)
 */
export function loadTemplates(folder: URL | string = new URL('./templates/', import.meta.url)): Templates {
  const path = folder instanceof URL ? fileURLToPath(folder) : folder
  const locales = new Map<string, { locale: string; texts: Texts }>()
  for (const file of readdirSync(path).filter(name => name.endsWith('.json'))) {
    const locale = file.slice(0, -'.json'.length)
    locales.set(locale.toLowerCase(), { locale, texts: readTexts(join(path, file), locale) })
  }
  const english = locales.get('en')
  if (!english) throw new Error(`${path} has no en.json`)

  /** RFC 4647, section 3.4: `de-AT`, then `de`, then English. */
  const lookup = (wanted: string) => {
    for (const subtags = wanted.toLowerCase().split(/[-_]/, 4); subtags.length; subtags.pop()) {
      const found = locales.get(subtags.join('-'))
      if (found) return found
    }
    return english
  }

  return {
    email(message) {
      const { locale, texts } = lookup(message.locale)
      const { subject, paragraphs } = texts[message.template].email
      const values = valuesOf(message, locale, 'long')
      return {
        locale,
        subject: fill(subject, values),
        text: `${paragraphs.map(text => fill(text, values)).join('\n\n')}\n`,
        html: page(locale, subject, paragraphs, values),
      }
    },
    sms(message) {
      const { locale, texts } = lookup(message.locale)
      return { locale, text: fill(texts[message.template].sms, valuesOf(message, locale, 'short')) + autofill(message) }
    },
  }
}

/** In one pass: a placeholder inside of an app's name stays what it is. */
const fill = (text: string, values: Values) => text.replace(/\{(\w+)\}/g, (_, name: keyof Values) => values[name])

const valuesOf = ({ app, code = '', validMinutes = 0 }: Message, locale: string, unitDisplay: 'long' | 'short'): Values => ({
  app: app.name,
  code,
  validity: minutes(validMinutes, locale, unitDisplay),
})

/** No-break spaces are not in the alphabet of an SMS (GSM-7): one of them halves what fits. */
const minutes = (count: number, locale: string, unitDisplay: 'long' | 'short') =>
  new Intl.NumberFormat(locale, { style: 'unit', unit: 'minute', unitDisplay }).format(count).replace(/\p{Zs}/gu, ' ')

/**
 * The last line, by which the device finds the code and knows whom it is for. iOS, macOS and browsers read `@domain #code` (WICG, "Origin-bound
 * one-time codes", "Message format"; Apple, "domain-bound codes"), and so does nobody else, so it does no harm where the platform is not known.
 * Android's SMS Retriever wants the app's hash last, which leaves room for one of the two.
 */
function autofill({ template, platform, app, code }: Message): string {
  if (template !== 'otp') return ''
  if (platform !== 'android') return `\n\n@${app.domain} #${code}`
  return app.smsHash ? `\n\n${app.smsHash}` : ''
}

const escape = (text: string) => text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)

function page(locale: string, subject: string, paragraphs: readonly string[], values: Values): string {
  const escaped = { app: escape(values.app), code: `<strong>${escape(values.code)}</strong>`, validity: escape(values.validity) }
  const html = (text: string) => fill(escape(text), escaped)
  return [
    `<!doctype html>`,
    `<html lang="${locale}">`,
    `<head><meta charset="utf-8"><title>${html(subject)}</title></head>`,
    `<body>`,
    ...paragraphs.map(text => `<p>${html(text)}</p>`),
    `</body>`,
    `</html>`,
    ``,
  ].join('\n')
}

/** Each of these placeholders at least once, and nothing else in braces. */
const holding = (...names: readonly (keyof Values)[]) => (text: string | readonly string[], context: { addIssue(issue: string): void }) => {
  const wanted = names.map(name => `{${name}}`)
  const found: readonly string[] = [text].flat().join('\n').match(/\{[^{}]*\}?|\}/g) ?? []
  for (const name of wanted) if (!found.includes(name)) context.addIssue(`${name} is missing`)
  for (const name of found) if (!wanted.includes(name)) context.addIssue(`${name} does not belong here`)
}

const template = (...names: readonly (keyof Values)[]) =>
  z.strictObject({
    email: z.strictObject({
      // Never the code: mail servers log subjects, and locked screens show them.
      subject: z.string().superRefine(holding('app')),
      paragraphs: z.array(z.string()).superRefine(holding(...names)),
    }),
    sms: z.string().superRefine(holding(...names)),
  })

const Texts = z.strictObject({
  otp: template('app', 'code', 'validity'),
  passkey_activated: template('app'),
  passkey_removed: template('app'),
} satisfies Record<Message['template'], z.ZodType>)
type Texts = z.infer<typeof Texts>

function readTexts(path: string, locale: string): Texts {
  try {
    const texts = Texts.parse(JSON.parse(readFileSync(path, 'utf8')))
    const longest = fill(texts.otp.sms, { app: 'x'.repeat(30), code: '0'.repeat(8), validity: minutes(60, locale, 'short') })
    // 140 bytes, with an empty line and the hash (Google, SMS Retriever, "Construct a verification message").
    if (Buffer.byteLength(longest) + '\n\n'.length + 11 > 140) throw new Error('the SMS with a code is too long')
    return texts
  } catch (cause) {
    throw new Error(`${path}: ${cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message}`, { cause })
  }
}
