import { expect, test } from 'vitest'
import type { Message } from './delivery.ts'
import { loadTemplates } from './templates.ts'

const templates = loadTemplates()
const otp = { template: 'otp', code: '123456', validMinutes: 5 } as const
const contents = [otp, { template: 'passkey_activated' }, { template: 'passkey_removed' }] as const

/** Every SMS and e-mail of a locale as a person reads it, so that who speaks the language can proofread one file. */
function everything(locale: string): string {
  const app = { name: 'Acme', domain: 'acme.example', smsHash: 'FA+9qCX9VSu' }
  const common = { id: '0197a1c4-6c7e-7d3b-8a52-2f1d7e6b9c10', to: 'anna', locale, app }
  const sms = (message: Partial<Message>) => templates.sms({ ...common, channel: 'sms', ...message } as Message).text
  const sections: [string, string][] = []
  for (const platform of ['ios', 'android', 'web'] as const) {
    for (const content of contents) sections.push([`sms ${content.template} ${platform}`, sms({ ...content, platform })])
  }
  sections.push(['sms otp android, no hash configured', sms({ ...otp, platform: 'android', app: { ...app, smsHash: undefined } })])
  for (const content of contents) {
    const { subject, text, html } = templates.email({ ...common, channel: 'email', ...content })
    sections.push([`email ${content.template} subject`, subject], [`email ${content.template} text`, text], [`email ${content.template} html`, html])
  }
  return sections.map(([title, text]) => `--- ${title}\n${text}\n`).join('')
}

test.each(['de', 'en', 'es', 'fr'])('every message in "%s" reads as it did', async locale => {
  await expect(everything(locale)).toMatchFileSnapshot(`goldens/${locale}.txt`)
})
