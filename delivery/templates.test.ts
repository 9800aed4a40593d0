import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Message } from './delivery.ts'
import { loadTemplates } from './templates.ts'

const templates = loadTemplates()
const locales = ['de', 'en', 'es', 'fr']
const otp = {
  id: '0197a1c4-6c7e-7d3b-8a52-2f1d7e6b9c10',
  channel: 'sms',
  to: '+491701234321',
  template: 'otp',
  locale: 'en',
  app: { name: 'Acme', domain: 'acme.example', smsHash: 'FA+9qCX9VSu' },
  code: '123456',
  validMinutes: 5,
} satisfies Message

const lastLine = (text: string) => text.split('\n').at(-1)

test.each([
  ['de-AT', 'de'],
  ['de_CH', 'de'],
  ['DE', 'de'],
  ['fr-Latn-CA', 'fr'],
  ['ja', 'en'],
  ['', 'en'],
  ['../de', 'en'],
])('who asks for "%s" reads "%s"', (wanted, locale) => {
  expect(templates.sms({ ...otp, locale: wanted })).toEqual(templates.sms({ ...otp, locale }))
  expect(templates.sms({ ...otp, locale: wanted }).locale).toBe(locale)
})

test.each(['ios', 'web', undefined] as const)('on %s the last line of an SMS binds the code to the domain', platform => {
  for (const locale of locales) {
    // The parser of WICG's "Origin-bound one-time codes", section "Parsing".
    const [, host, code] = /^@(\S+) #(\S+)/.exec(lastLine(templates.sms({ ...otp, locale, ...(platform && { platform }) }).text)!)!
    expect([host, code]).toEqual(['acme.example', '123456'])
  }
})

test('on Android an SMS ends with the hash of the app, or with nothing where none is configured', () => {
  for (const locale of locales) {
    const { text } = templates.sms({ ...otp, locale, platform: 'android' })
    expect(lastLine(text)).toBe('FA+9qCX9VSu')
    const { smsHash, ...app } = otp.app
    expect(`${templates.sms({ ...otp, locale, platform: 'android', app }).text}\n\nFA+9qCX9VSu`).toBe(text)
  }
})

test("Android's SMS stays within 140 bytes, for an app's name of up to 30", () => {
  const app = { ...otp.app, name: 'x'.repeat(30) }
  for (const locale of locales) {
    const { text } = templates.sms({ ...otp, locale, platform: 'android', app, code: '12345678', validMinutes: 60 })
    expect(Buffer.byteLength(text), text).toBeLessThanOrEqual(140)
  }
})

test('every SMS is one segment of 160 characters of the GSM alphabet', () => {
  // 3GPP TS 23.038, section 6.2.1; the characters that count once.
  const gsm = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà]*$/
  const { code, validMinutes, ...notice } = otp
  for (const locale of locales) {
    for (const platform of ['ios', 'android', 'web'] as const) {
      for (const message of [otp, { ...notice, template: 'passkey_activated' as const }, { ...notice, template: 'passkey_removed' as const }]) {
        const { text } = templates.sms({ ...message, locale, platform })
        expect(text).toMatch(gsm)
        expect(text.length, text).toBeLessThanOrEqual(160)
      }
    }
  }
})

test('one minute is not "1 minutes"', () => {
  expect(templates.email({ ...otp, channel: 'email', validMinutes: 1 }).text).toContain('It is valid for 1 minute.')
  expect(templates.email({ ...otp, channel: 'email', validMinutes: 10, locale: 'de' }).text).toContain('Er gilt 10 Minuten.')
})

test("an app's name is text, in HTML too, and no template of its own", () => {
  const app = { ...otp.app, name: `<b>Tom & "Jerry's"</b> {code} $&` }
  const { subject, text, html } = templates.email({ ...otp, channel: 'email', app })
  expect(subject).toBe(`Your ${app.name} code`)
  expect(text).toContain(`Your code for ${app.name} is:`)
  expect(html).toContain('<title>Your &#60;b&#62;Tom &#38; &#34;Jerry&#39;s&#34;&#60;/b&#62; {code} $&#38; code</title>')
  expect(html).toContain('<p>Your code for &#60;b&#62;Tom &#38; &#34;Jerry&#39;s&#34;&#60;/b&#62; {code} $&#38; is:</p>')
})

test('a code never stands in a subject', () => {
  for (const locale of locales) expect(templates.email({ ...otp, channel: 'email', locale }).subject).not.toContain('123456')
})

/** A folder with `en.json`, edited. */
function folderWith(edit: (texts: any) => unknown, file = 'en.json'): string {
  const folder = mkdtempSync(join(tmpdir(), 'templates-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const texts = JSON.parse(readFileSync(new URL('./templates/en.json', import.meta.url), 'utf8'))
  edit(texts)
  writeFileSync(join(folder, file), JSON.stringify(texts))
  return folder
}

test('a folder of your own replaces the texts', () => {
  const folder = folderWith(texts => (texts.otp.sms = 'Hi! {code} for {app}, {validity}.'))
  expect(loadTemplates(folder).sms(otp).text).toBe('Hi! 123456 for Acme, 5 min.\n\n@acme.example #123456')
})

test.each<[string, (texts: any) => unknown, RegExp]>([
  ['a template that is missing', texts => delete texts.passkey_removed, /en\.json.*passkey_removed/s],
  ['a text that is missing', texts => delete texts.otp.email.subject, /en\.json.*otp\.email\.subject/s],
  ['a text that nobody asks for', texts => (texts.welcome = texts.otp), /en\.json.*welcome/s],
  ['an SMS without the code', texts => (texts.otp.sms = '{app}, {validity}'), /\{code\} is missing.*otp\.sms/s],
  ['an e-mail without the code', texts => texts.otp.email.paragraphs.splice(1, 1), /\{code\} is missing.*otp\.email\.paragraphs/s],
  ['a subject with the code', texts => (texts.otp.email.subject = '{app} {code}'), /\{code\} does not belong here.*otp\.email\.subject/s],
  ['an unknown placeholder', texts => (texts.passkey_removed.sms = '{app} {name}'), /\{name\} does not belong here.*passkey_removed\.sms/s],
  ['a brace left open', texts => (texts.passkey_removed.sms = '{app} {app'), /\{app does not belong here/],
  ['a code that a notice does not have', texts => (texts.passkey_removed.sms = '{app} {code}'), /\{code\} does not belong here/],
])('%s stops the start', (_, edit, error) => {
  expect(() => loadTemplates(folderWith(edit))).toThrow(error)
})

test("an SMS that leaves no room for Android's hash stops the start, to the byte", () => {
  const longest = templates.sms({ ...otp, platform: 'android', app: { ...otp.app, name: 'x'.repeat(30) }, code: '12345678', validMinutes: 60 })
  const room = 140 - Buffer.byteLength(longest.text)
  expect(() => loadTemplates(folderWith(texts => (texts.otp.sms += 'x'.repeat(room))))).not.toThrow()
  expect(() => loadTemplates(folderWith(texts => (texts.otp.sms += 'x'.repeat(room + 1))))).toThrow(/en\.json.*too long/)
})

test('a folder without English, a file that is not JSON, and a name that is no locale stop the start', () => {
  expect(() => loadTemplates(folderWith(() => {}, 'de.json'))).toThrow(/no en\.json/)
  expect(() => loadTemplates(folderWith(() => {}, 'german.x.json'))).toThrow(/german\.x\.json/)
  const folder = folderWith(() => {})
  writeFileSync(join(folder, 'de.json'), '{')
  expect(() => loadTemplates(folder)).toThrow(/de\.json: .*JSON/)
})
