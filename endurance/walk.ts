/** A person with an app, who goes where the engine leads, and does what people do: mostly the right thing. */
import assert from 'node:assert/strict'
import type { createAuthenticator } from '../stories/authenticator.ts'
import { legal, taken } from '../stories/chapters.ts'
import type { Client } from '../stories/app.ts'
import type { Dice } from './dice.ts'

export type Walker = { email: string; password: string; device: ReturnType<typeof createAuthenticator>; hasPasskey: boolean }

/** `codeAt`: the last code that came to the address. */
export type Way = { app: Client; walker: Walker; dice: Dice; codeAt: (address: string) => string | undefined }

/** From the identifier to the tokens; now and then a request goes out twice. @throws AssertionError at the first answer that should not be */
export async function walk(way: Way): Promise<void> {
  const { app, walker, dice } = way
  taken(await app.start(walker.email))
  for (let steps = 0; app.latest.session?.status === 'running'; steps += 1) {
    assert.ok(steps < 30, `the login does not end: ${JSON.stringify(app.latest)}`)
    const step = app.latest.session.step
    assert.ok(step, `nothing to do: ${JSON.stringify(app.latest)}`)
    await take[step](way)
    // As if the answer had not come.
    if (dice(0.2)) await app.repeat()
  }
  assert.equal(app.latest.session?.status, 'completed', JSON.stringify(app.latest))
  assert.ok(app.tokens)
}

const take: Record<'passkey' | 'password' | 'append' | 'otp' | 'pin' | 'biometrics', (way: Way) => Promise<void>> = {
  async passkey({ app, walker, dice }) {
    const can = legal(app)
    if (walker.hasPasskey && can.includes('passkey') && dice(0.8)) return void taken(await app.usePasskey(walker.device))
    if (can.includes('passkey_report') && dice(0.3)) return void taken(await app.passkeyReport('1001'))
    if (can.includes('passkey_options') && dice(0.5)) return void taken(await app.passkeyOptions())
    taken(await app.password(walker.password, { insteadOf: 'chosen' }))
  },

  async password({ app, walker, dice }) {
    if (!dice(0.1)) return void taken(await app.password(walker.password))
    const { status, body } = await app.password('not the password')
    assert.deepEqual([status, body.code], [403, 'password_rejected'])
  },

  async append({ app, walker, dice }) {
    if (dice(0.2)) return void taken(await app.appendSkip('declined'))
    if (dice(0.1)) {
      taken(await app.appendOptions())
      return void taken(await app.appendReport('1001'))
    }
    taken(await app.createPasskey(walker.device))
    walker.hasPasskey = true
  },

  async otp({ app, walker, dice, codeAt }) {
    const { channel, delivery, attemptsLeft, expiresAt } = app.latest.otp ?? {}
    // On a slow machine that is killed often a code may grow old.
    const old = expiresAt != null && Date.now() >= Date.parse(expiresAt)
    if (channel == null || delivery === 'failed' || old) {
      const { status, body } = await app.otpSend('email')
      // The mail server, or the way to it, was away.
      assert.ok(status === 200 || body.code === 'delivery_failed', `${status} ${body.code}`)
      return
    }
    const code = codeAt(walker.email)
    assert.ok(code, 'the code was sent')
    if (attemptsLeft !== undefined && attemptsLeft > 3 && dice(0.15)) {
      const { status, body } = await app.otp(another(code))
      assert.deepEqual([status, body.code], [403, 'otp_rejected'])
      return
    }
    taken(await app.otp(code))
  },

  async pin({ app, dice }) {
    taken(await (dice(0.5) ? app.pin() : app.pinSkip()))
  },

  async biometrics({ app, dice }) {
    taken(await (dice(0.5) ? app.biometrics(dice(0.5)) : app.biometricsSkip()))
  },
}

const another = (code: string): string => String((Number(code) + 1) % 10 ** code.length).padStart(code.length, '0')
