import { expect, test } from 'vitest'
import { createEmail } from './email.ts'
import { loadTemplates } from './templates.ts'
import { smtp } from './testing-mail-server.ts'
import { createWitness } from './witnesses.ts'

const note = 'keyledger/1\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— keyledger/1 AAAAAAAAAAAA\n'
const checkpoint = { log: '1', number: 7, at: '2026-03-02T08:00:00.000Z', note }

test('A witness by e-mail gets the note as it was signed, and a repeat under the same id', async () => {
  const { url, received } = await smtp()
  const { post, close } = createEmail({ url, from: 'Log <log@shop.example>', templates: loadTemplates(), plaintext: true })
  const witness = createWitness({ email: 'auditor@kept.example', everySeconds: 60 }, { post })
  const { signal } = new AbortController()
  await witness.send(checkpoint, signal)
  await witness.send(checkpoint, signal)
  close()
  expect(received.map(({ to }) => to)).toEqual([['auditor@kept.example'], ['auditor@kept.example']])
  const [one, two] = received.map(({ raw }) => ({ id: /^Message-ID: (.*)$/im.exec(raw)![1], text: decoded(raw) }))
  expect(one!.text).toContain(note.trimEnd())
  expect(two).toEqual(one)
  expect(witness.everySeconds).toBe(60)
})

test('A carrier that says no is an error, so that it is tried again, and without a mail server there is no such witness', async () => {
  const { url } = await smtp({ onRcptTo: (_, __, done) => done(Object.assign(new Error('no'), { responseCode: 450 })) })
  const { post, close } = createEmail({ url, from: 'log@shop.example', templates: loadTemplates(), plaintext: true })
  await expect(createWitness({ email: 'auditor@kept.example', everySeconds: 60 }, { post }).send(checkpoint, new AbortController().signal)).rejects.toThrow('busy')
  close()
  expect(() => createWitness({ email: 'auditor@kept.example', everySeconds: 60 })).toThrow('SMTP_URL')
})

/** Of a mail of one part. */
function decoded(raw: string): string {
  const [head = '', ...rest] = raw.split('\r\n\r\n')
  const body = rest.join('\r\n\r\n')
  if (/base64/i.test(head)) return Buffer.from(body, 'base64').toString().replaceAll('\r\n', '\n')
  const unwrapped = /quoted-printable/i.test(head) ? body.replace(/=\r\n/g, '').replace(/(=[0-9A-F]{2})+/g, (some) => Buffer.from(some.replaceAll('=', ''), 'hex').toString()) : body
  return unwrapped.replaceAll('\r\n', '\n')
}
