import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { inspect } from 'node:util'
import fc from 'fast-check'
import type { SMTPServerOptions } from 'smtp-server'
import { expect, onTestFinished, test } from 'vitest'
import type { Message } from './delivery.ts'
import { createEmail, type EmailOptions } from './email.ts'
import { open, smtp, tcp } from './testing-mail-server.ts'
import { loadTemplates } from './templates.ts'

const templates = loadTemplates()
const otp = {
  id: '0197a1c4-6c7e-7d3b-8a52-2f1d7e6b9c10',
  channel: 'email',
  to: 'anna@example.com',
  template: 'otp',
  locale: 'de',
  app: { name: 'Café Acme', domain: 'acme.example' },
  code: '123456',
  validMinutes: 5,
} satisfies Message

function emailTo(url: string, options: Partial<EmailOptions> = {}) {
  const email = createEmail({ url, from: 'Acme <no-reply@acme.example>', templates, plaintext: true, ...options })
  onTestFinished(() => email.close())
  return email
}

const reply = (responseCode: number) => Object.assign(new Error('5.1.1 anna@example.com: no such user'), { responseCode })

test('a person gets the code, as text and as HTML, from the sender that was configured', async () => {
  const { received, url } = await smtp()
  expect(await emailTo(url)(otp)).toEqual({ delivered: true, carrierId: `<${otp.id}@acme.example>` })
  expect(received).toHaveLength(1)
  expect(received[0]).toMatchObject({ from: 'no-reply@acme.example', to: ['anna@example.com'] })
  const mail = open(received[0]!.raw)
  const { subject, text, html } = templates.email(otp)
  expect(mail.headers).toMatchObject({
    from: 'Acme <no-reply@acme.example>',
    to: 'anna@example.com',
    subject,
    'message-id': `<${otp.id}@acme.example>`,
    'auto-submitted': 'auto-generated',
    'content-language': 'de',
  })
  expect(mail.headers).not.toHaveProperty('x-mailer')
  expect(mail.text).toBe(text.trimEnd())
  expect(mail.html).toBe(html.trimEnd())
})

test('the same message sent again has the same Message-ID, another message another', async () => {
  const { received, url } = await smtp()
  const email = emailTo(url)
  for (const id of [otp.id, otp.id, '0197a1c4-6c7e-7d3b-8a52-2f1d7e6b9c11']) await email({ ...otp, id })
  const [first, again, other] = received.map(({ raw }) => open(raw).headers['message-id'])
  expect(again).toBe(first)
  expect(other).not.toBe(first)
})

test('one connection serves many messages', async () => {
  let connections = 0
  const { received, url } = await smtp({ onConnect: (_, done) => (connections++, done()) })
  const email = emailTo(url)
  for (let i = 0; i < 3; i++) await email(otp)
  expect([received.length, connections]).toEqual([3, 1])
})

test('a slow server is waited for', async () => {
  const slowly: SMTPServerOptions['onMailFrom'] = (_, __, done) => void setTimeout(done, 50)
  const { url } = await smtp({ onMailFrom: slowly, onRcptTo: slowly })
  expect(await emailTo(url)(otp)).toMatchObject({ delivered: true })
})

test.each<[string, SMTPServerOptions, { reason: string; retryable: boolean }]>([
  ['a recipient that is refused (550)', { onRcptTo: (_, __, done) => done(reply(550)) }, { reason: 'refused', retryable: false }],
  ['a sender that is refused (553)', { onMailFrom: (_, __, done) => done(reply(553)) }, { reason: 'refused', retryable: false }],
  [
    'a message that is refused (554)',
    { onData: (stream, _, done) => void stream.resume().on('end', () => done(reply(554))) },
    { reason: 'refused', retryable: false },
  ],
  ['greylisting (450)', { onRcptTo: (_, __, done) => done(reply(450)) }, { reason: 'busy', retryable: true }],
  ['a server that is closing (421)', { onConnect: (_, done) => done(reply(421)) }, { reason: 'busy', retryable: true }],
  ['a server that takes nothing (554)', { onConnect: (_, done) => done(reply(554)) }, { reason: 'unreachable', retryable: true }],
  ['a login that is demanded', { authOptional: false, onAuth: (_, __, done) => done(null) }, { reason: 'rejected_credentials', retryable: false }],
])('%s is a fault, without the texts of the server', async (_, options, fault) => {
  const { received, url } = await smtp(options)
  expect(await emailTo(url)(otp)).toEqual({ delivered: false, ...fault })
  expect(received).toEqual([])
})

test('a refusal leaves the connection to the next message', async () => {
  const { received, url } = await smtp({ onRcptTo: ({ address }, _, done) => done(address.startsWith('eve') ? reply(550) : null) })
  const email = emailTo(url)
  expect(await email({ ...otp, to: 'eve@example.com' })).toMatchObject({ reason: 'refused' })
  expect(await email(otp)).toMatchObject({ delivered: true })
  expect(received.map(({ to }) => to)).toEqual([['anna@example.com']])
})

test('the right password signs in, a wrong one and a server that cannot check it are two faults', async () => {
  const { url } = await smtp({
    authOptional: false,
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _, done) => {
      if (username === 'busy') done(reply(454))
      else done(null, password === 'p@ss/word' ? { user: username } : {})
    },
  })
  const as = (login: string) => emailTo(url.replace('//', `//${login}@`))(otp)
  expect(await as('mailer:p%40ss%2Fword')).toMatchObject({ delivered: true })
  expect(await as('mailer:guess')).toEqual({ delivered: false, reason: 'rejected_credentials', retryable: false })
  expect(await as('busy:p%40ss%2Fword')).toEqual({ delivered: false, reason: 'busy', retryable: true })
})

test('a server that accepts the connection and says nothing is given up', async () => {
  const url = await tcp(() => {})
  expect(await emailTo(url, { timeoutMs: 100 })(otp)).toEqual({ delivered: false, reason: 'timeout', retryable: true })
})

test('what was given up holds up nothing that comes later', async () => {
  const { received, url: answering } = await smtp()
  let mute = true
  const url = await tcp(socket => {
    if (!mute) socket.pipe(connect(Number(new URL(answering).port), '127.0.0.1')).pipe(socket)
  })
  const email = emailTo(url)
  // More than the pool has connections.
  const givenUp = await Promise.all(Array.from({ length: 7 }, () => email(otp, AbortSignal.timeout(100))))
  expect(givenUp).toEqual(Array(7).fill({ delivered: false, reason: 'aborted', retryable: true }))
  mute = false
  expect(await email(otp)).toMatchObject({ delivered: true })
  expect(received).toHaveLength(1)
})

test('no server and no SMTP are unreachable', async () => {
  const talksHttp = await tcp(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  for (const url of ['smtp://127.0.0.1:1', talksHttp]) {
    expect(await emailTo(url)(otp), url).toEqual({ delivered: false, reason: 'unreachable', retryable: true })
  }
})

test.skipIf(!Object.values(networkInterfaces()).flat().some(own => own?.address === '::1'))('a server may be named by its IPv6 address', async () => {
  const { url } = await smtp({}, '::1')
  expect(await emailTo(url)(otp)).toMatchObject({ delivered: true })
})

test('without TLS, or with a certificate that is not trusted, nothing is sent unless that is allowed', async () => {
  const signIns: string[] = []
  const onAuth: SMTPServerOptions['onAuth'] = ({ username }, _, done) => (signIns.push(username!), done(null, { user: username! }))
  const plain = await smtp({ onAuth, allowInsecureAuth: true })
  // The server's own certificate is signed by itself.
  const startTls = await smtp({ onAuth, disabledCommands: [] })
  const tlsOnly = await smtp({ onAuth, secure: true })
  const urls = [plain.url, startTls.url, tlsOnly.url.replace('smtp:', 'smtps:')].map(url => url.replace('//', '//mailer:secret@'))

  for (const url of urls) {
    expect(await emailTo(url, { plaintext: false })(otp)).toEqual({ delivered: false, reason: 'untrusted', retryable: false })
  }
  expect(signIns).toEqual([])
  expect([plain.received, startTls.received, tlsOnly.received]).toEqual([[], [], []])

  for (const url of urls.slice(1)) {
    expect(await emailTo(url, { plaintext: false, tls: { rejectUnauthorized: false } })(otp)).toMatchObject({ delivered: true })
  }
})

test.each([
  'anna@example.com\r\nBcc: eve@example.org',
  'anna@example.com, eve@example.org',
  'anna@example.com;eve@example.org',
  'Anna <eve@example.org>',
  'eve@example.org (anna@example.com)',
  'group:anna@example.com,eve@example.org;',
  '"anna@example.com" <eve@example.org>',
  'anna@eve@example.org',
  'anna@example.com\u0000',
  'anna',
  '',
])('%j is no address, and nobody gets the code', async to => {
  const { received, url } = await smtp()
  expect(await emailTo(url)({ ...otp, to })).toEqual({ delivered: false, reason: 'refused', retryable: false })
  expect(received).toEqual([])
})

test('nothing in a message adds a header or a recipient', async () => {
  const { received, url } = await smtp()
  const email = emailTo(url)
  await email(otp)
  const clean = Object.keys(open(received[0]!.raw).headers)
  const forged = ['x\r\nBcc: eve@example.org', 'x\nSubject: hi\n\n<p>', 'x>\r\n\r\nhi', '=?utf-8?Q?=0D=0ABcc:_eve?=']
  const hostile = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...forged))
  await fc.assert(
    fc.asyncProperty(hostile, hostile, hostile, hostile, async (name, domain, id, locale) => {
      received.length = 0
      expect(await email({ ...otp, id, locale, app: { name, domain } })).toMatchObject({ delivered: true })
      expect(received).toHaveLength(1)
      expect(received[0]!.to).toEqual(['anna@example.com'])
      expect(Object.keys(open(received[0]!.raw).headers)).toEqual(clean)
    }),
    { seed: 20260101, numRuns: 200 },
  )
})

test('a bad configuration stops the start, and its error shows no password', () => {
  for (const url of ['smtp//mailer:hunter2@mail.example', 'https://mailer:hunter2@mail.example', 'smtp://mailer:hunter2@', 'mailer:hunter2', '']) {
    expect(() => createEmail({ url, from: 'no-reply@acme.example', templates })).toThrow(TypeError)
    try {
      createEmail({ url, from: 'no-reply@acme.example', templates })
    } catch (error) {
      expect(inspect(error, { showHidden: true })).not.toContain('hunter2')
    }
  }
  expect(() => createEmail({ url: 'smtp://mail.example', from: 'Acme', templates })).toThrow(TypeError)
})
