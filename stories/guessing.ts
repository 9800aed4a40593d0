/** Guesses are delayed, whoever they are meant for; and where it is hidden who has an account, nobody finds out by asking. */
import assert from 'node:assert/strict'
import type { Body, Client } from './app.ts'
import { accountTells, firstLogin, firstLoginLeaves, giveCode, legal, refused, signIn, taken, tells, type Story } from './chapters.ts'
import { alike, another } from './proofs.ts'
import type { Stage } from './stage.ts'

const [wrongPassword, wrongCode] = [{ status: 403, code: 'password_rejected' }, { status: 403, code: 'otp_rejected' }]
const delayed = { status: 429, code: 'guessing_delayed' }

export const guessing: Story[] = [
  ['nine wrong passwords in a row put off the tenth, of somebody as of nobody, in a new login too; the right one is taken in its time', async (stage) => {
    const ada = await stage.newPerson()
    for (const identifier of [`not.${ada.email}`, ada.email]) {
      await guessNine(stage, identifier)
      const app = stage.newApp()
      taken(await app.start(identifier))
      // It is no attempt of this login's, nor a fact: the same request is judged when it comes again.
      assert.equal(refused(await app.password(ada.password), delayed).session?.attemptsLeft, 30)
      await stage.passTime(32)
      assert.equal((await app.repeat()).status, identifier === ada.email ? 200 : 403)
      await tells(stage, app, 'IdentifierEntered', ...(identifier === ada.email ? (['PasswordVerified', 'AppendOffered'] as const) : (['PasswordRejected'] as const)))
    }
    const anew = stage.newApp()
    taken(await anew.start(ada.email))
    for (const _ of [1, 2, 3, 4]) refused(await anew.password('not my password'), wrongPassword)
    taken(await anew.password(ada.password))
    await accountTells(stage, ada)
  }],

  ['a passkey signs in whatever is guessed of the password', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    await firstLogin(stage, app, ada)
    await guessNine(stage, ada.email)
    taken(await app.start(ada.email))
    refused(await app.password(ada.password), delayed)
    taken(await app.usePasskey(ada.phone))
    await tells(stage, app, 'IdentifierEntered', 'PasskeyRequested', 'PasskeyVerified', 'AppendWithheld', 'SessionCompleted')
    await accountTells(stage, ada, ...firstLoginLeaves)
  }],

  ['wrong codes count over all logins of the account, and a code sent anew gives no more guesses', async (stage) => {
    const ada = await stage.newPerson()
    let tried = 0
    for (const wrong of [4, 5]) {
      const app = stage.newApp()
      await signIn(app, ada)
      // Asked once; then there is a cool-down.
      if (tried === 0) taken(await app.appendSkip('declined'))
      await stage.projected()
      taken(await app.otpSend('email'))
      for (let n = 1; n <= wrong; n += 1) {
        refused(await app.otp(another(stage.codeFor(ada.email), n)), wrongCode)
        if ((tried += 1) >= 5) await stage.passTime(2 ** (tried - 4))
      }
    }
    const app = stage.newApp()
    await signIn(app, ada)
    taken(await app.otpSend('email'))
    refused(await app.otp(another(stage.codeFor(ada.email), 1)), wrongCode)
    refused(await app.otp(stage.codeFor(ada.email)), delayed)
    await stage.passTime(31)
    taken(await app.otpSend('email'))
    refused(await app.otp(stage.codeFor(ada.email)), delayed)
    await stage.passTime(40)
    taken(await app.otp(stage.codeFor(ada.email)))
  }],
]

export const hiding = { accountExistence: 'hidden' } as const
export const hidden: Story[] = [
  ['nobody learns by asking who has an account or a passkey, and everybody signs in as ever', async (stage) => {
    const ada = await stage.newPerson()
    const apps = [stage.newApp(), stage.newApp(), stage.newApp()] as const
    await firstLogin(stage, apps[0], ada)
    const bob = await stage.newPerson()
    const identifiers = [ada.email, bob.email, `not.${bob.email}`]
    await sameOfAll(apps, async (app, n) => taken(await app.start(identifiers[n])))
    for (const app of apps) assert.deepEqual(legal(app), ['passkey', 'passkey_options', 'passkey_report', 'password', 'recover'])
    await sameOfAll(apps, async (app) => refused(await app.password('not my password'), wrongPassword))
    await sameOfAll(apps, async (app) => taken(await app.passkeyReport('1001')))
    await sameOfAll(apps, async (app) => taken(await app.passkeyOptions()))

    const [phone, other, nobody] = apps
    taken(await phone.usePasskey(ada.phone))
    for (const app of [other, nobody]) refused(await app.usePasskey(ada.phone), { status: 403, code: 'passkey_rejected', reason: 'refused' })
    taken(await other.password(bob.password))
    taken(await other.appendSkip('declined'))
    await giveCode(stage, other, bob)
    await tells(stage, nobody, 'IdentifierEntered', 'PasskeyRequested', 'PasswordChosen', 'PasswordRejected', 'PasskeyNotUsed', 'PasskeyRequested', 'PasskeyRejected')
    await accountTells(stage, ada, ...firstLoginLeaves)
  }],
]

/** Each waits out the delay of the one before; the next one is 32 s away. */
async function guessNine(stage: Stage, identifier: string): Promise<void> {
  const app = stage.newApp()
  taken(await app.start(identifier))
  for (let n = 1; n <= 9; n += 1) {
    refused(await app.password(`guess ${n}`), wrongPassword)
    if (n >= 5 && n < 9) await stage.passTime(2 ** (n - 4))
  }
}

/** What is asked of each is answered the same, but for what is every login's own. */
async function sameOfAll(apps: readonly Client[], ask: (app: Client, n: number) => Promise<Body>): Promise<void> {
  const answers: unknown[] = []
  for (const [n, app] of apps.entries()) {
    const { requestOptions, ...body } = await ask(app, n)
    answers.push({ ...alike(body), requestOptions: requestOptions && { ...requestOptions, challenge: '' } })
  }
  for (const answer of answers) assert.deepEqual(answer, answers[0])
}
