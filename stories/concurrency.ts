/** Many requests at once: what may become a fact once becomes one once. */
import assert from 'node:assert/strict'
import { createAuthenticator } from './authenticator.ts'
import type { Client, Reply } from './app.ts'
import { accountTells, signIn, taken, tells, type Story } from './chapters.ts'
import { another } from './proofs.ts'
import type { Person, Stage } from './stage.ts'

const appended = ['IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendStarted', 'PasskeyAppended'] as const
const asked = ['IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendSkipped', 'OtpIssued', 'OtpSent'] as const

/** @param many how many requests go out at once */
export const concurrency = (many: number): Story[] => [
  [`of ${many} equal answers to one challenge, sent at once, one is accepted`, async (stage) => {
    const { app, ada } = await offered(stage)
    const [credential] = await credentials(app, 1)
    const replies = await times(many, () => app.append(credential as object))
    assert.deepEqual(tally(replies), { '200': 1, '409 step_not_legal': many - 1 })
    await tells(stage, app, ...appended)
    await accountTells(stage, ada, 'PasskeyLinked')
  }],

  [`a step repeated ${many} times at once under one key is one fact, and has one answer`, async (stage) => {
    const { app, ada } = await offered(stage)
    const [credential] = await credentials(app, 1)
    const replies = await times(many, () => app.send('append', { credential }, oneKey))
    const [first] = replies
    taken(first as Reply)
    for (const reply of replies) assert.deepEqual(reply, first)
    await tells(stage, app, ...appended)
    await accountTells(stage, ada, 'PasskeyLinked')
  }],

  [`of ${many} different requests at once under one key, one is decided`, async (stage) => {
    const { app, ada } = await offered(stage)
    taken(await app.appendSkip('declined'))
    taken(await app.otpSend('email'))
    const code = stage.codeFor(ada.email)
    const replies = await times(many, (n) => app.send('otp', { code: another(code, n) }, oneKey))
    const { '422 key_reused': reused, ...decided } = tally(replies)
    assert.equal(reused, many - 1)
    // Which of them came first is nobody's choice: the right code or a wrong one.
    const fact = decided['200'] === 1 ? 'OtpVerified' : 'OtpRejected'
    assert.deepEqual(decided, fact === 'OtpVerified' ? { '200': 1 } : { '403 otp_rejected': 1 })
    await tells(stage, app, ...asked, fact)
  }],

  ['of two passkeys made for one challenge at once, one is linked', async (stage) => {
    const { app, ada } = await offered(stage)
    const made = await credentials(app, 2)
    const replies = await times(2, (n) => app.append(made[n] as object))
    assert.deepEqual(tally(replies), { '200': 1, '409 step_not_legal': 1 })
    await tells(stage, app, ...appended)
    await accountTells(stage, ada, 'PasskeyLinked')
    const linked = (await stage.events(`account-${ada.account}`)).at(-1)?.data['passkey']
    const told = (await stage.events(`session-${app.session}`)).at(-1)?.data['passkey']
    assert.equal(linked, told)
    assert.equal(app.latest.passkey?.id, told)
  }],

  [`${many} starts at once under one key and secret are one login`, async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    taken(await app.start(ada.email))
    const replies = await times(many, () => app.repeat())
    for (const { status, body } of replies) assert.deepEqual([status, body.session?.id], [201, app.session])
    await tells(stage, app, 'IdentifierEntered')
  }],

  [`of ${many} wrong codes at once, each under its own key, five are tried`, async (stage) => {
    const { app, ada } = await offered(stage)
    taken(await app.appendSkip('declined'))
    taken(await app.otpSend('email'))
    const code = stage.codeFor(ada.email)
    const replies = await times(many, (n) => app.otp(another(code, n + 1)))
    const { '403 otp_rejected': tried, '409 step_not_legal': late = 0, '429 guessing_delayed': delayed = 0, ...others } = tally(replies)
    assert.deepEqual([tried, late + delayed, others], [5, many - 5, {}])
    const wrong = 'OtpRejected'
    await tells(stage, app, ...asked, wrong, wrong, wrong, wrong, wrong)
  }],
]

const oneKey = 'one-key-for-all-of-these-requests'

async function offered(stage: Stage): Promise<{ app: Client; ada: Person }> {
  const ada = await stage.newPerson()
  const app = stage.newApp()
  await signIn(app, ada)
  return { app, ada }
}

/** The same options, answered by so many devices. */
async function credentials(app: Client, devices: number): Promise<object[]> {
  const { creationOptions } = taken(await app.appendOptions())
  return Promise.all(Array.from({ length: devices }, () => createAuthenticator().create(creationOptions as never, { origin: app.origin })))
}

const times = (many: number, request: (n: number) => Promise<Reply>): Promise<Reply[]> => Promise.all(Array.from({ length: many }, (_, n) => request(n)))

function tally(replies: readonly Reply[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status, body } of replies) {
    const kind = body.code ? `${status} ${body.code}` : String(status)
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}
