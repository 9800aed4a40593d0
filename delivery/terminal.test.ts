import { expect, test } from 'vitest'
import type { Message } from './delivery.ts'
import { createTerminal } from './terminal.ts'

const message: Message = {
  id: '0197a1c4-6c7e-7d3b-8a52-2f1d7e6b9c10',
  channel: 'email',
  to: 'anna@example.com',
  template: 'otp',
  locale: 'en',
  app: { name: 'Acme', domain: 'acme.example' },
  code: '123456',
  validMinutes: 5,
}

async function printed(message: Message): Promise<string[]> {
  const lines: string[] = []
  expect(await createTerminal(line => lines.push(line))(message)).toEqual({ delivered: true, carrierId: 'terminal' })
  return lines
}

test('the code is printed on one line that says it was not sent', async () => {
  expect(await printed(message)).toEqual([
    'No email was sent, it is shown here instead: Acme, to a…@example.com: the code is 123456, valid for 5 min',
  ])
  expect(await printed({ ...message, channel: 'sms', to: '+491701234321' })).toEqual([
    'No sms was sent, it is shown here instead: Acme, to …321: the code is 123456, valid for 5 min',
  ])
})

test('a notice is printed by its name', async () => {
  const { code, validMinutes, ...rest } = message
  expect(await printed({ ...rest, template: 'passkey_activated' })).toEqual([
    'No email was sent, it is shown here instead: Acme, to a…@example.com: passkey_activated',
  ])
})

test('an address cannot steer the terminal or make a second line', async () => {
  const [line, ...more] = await printed({ ...message, to: '\u001b[2Janna@example.com\r\nNo email was sent: \u202e' })
  expect(more).toEqual([])
  expect(line).not.toMatch(/\p{C}/u)
})
