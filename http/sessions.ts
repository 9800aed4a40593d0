/** `/v1/sessions`: a login, from the identifier to the tokens. */
import { Hono, type Context } from 'hono'
import type { SessionView } from '../domain/session/state.ts'
import { appOf } from '../engine/apps.ts'
import type { Engine } from '../engine/engine.ts'
import type { Answer, StepRequest } from '../engine/step.ts'
import type { SessionAnswer } from '../mobile-contracts/answers.ts'
import * as body from '../mobile-contracts/requests.ts'
import { sessionAnswer } from './answers.ts'
import { refusal } from './problems.ts'
import { bearerOf, bodyOf, keyOf, sessionOf } from './request.ts'

/** Characters of it that are kept: a start is one event of 2 KB at most. */
const maxUserAgent = 96

/** The row of a session once it has reached `revision`; undefined when it is late or the database is away. */
export type SessionReader = (session: string, revision: number) => Promise<{ view: SessionView; revision: number } | undefined>

export type HttpDependencies = {
  engine: Engine
  readSession: SessionReader
  now: () => Date
  /** The address that a request comes from, for the record. */
  addressOf: (c: Context) => string | undefined
}

export function sessionRoutes({ engine, readSession, now, addressOf }: HttpDependencies): Hono {
  const stepOf = (c: Context, parsed: StepRequest['body']): StepRequest => ({ session: sessionOf(c), flowToken: bearerOf(c), key: keyOf(c), body: parsed })

  /** The state as it was decided, so that a repeat is answered in the same words. */
  function answered(c: Context, answer: Answer, options: Pick<SessionAnswer, 'creationOptions'> = {}, status: 200 | 201 = 200): Response {
    const { tokens, signals } = answer
    c.set('session', answer.session)
    c.set('app', answer.state.view.app)
    const requestOptions = engine.requestOptions(answer)
    const shown = sessionAnswer({ session: answer.session, view: answer.state.view, revision: answer.revision }, answer.at, placeOf(answer.state.view))
    const state = { ...shown, ...options, ...(requestOptions && { requestOptions }), ...(signals && { signals }), ...(tokens && { tokens }) }
    // A refusal may finish the login too: a passkey that was refused, where the offer was the last step.
    return 'refused' in answer.outcome ? refusal(c, answer.outcome, state) : c.json(state, status)
  }
  const placeOf = ({ app }: SessionView) => ({ recoverUrl: appOf(engine.settings(), app)?.recoverUrl })

  return new Hono()
    .post('/', async (c) => {
      const key = keyOf(c)
      const parsed = await bodyOf(c, body.StartBody)
      const accessToken = parsed.entryPoint === 'settings' ? bearerOf(c) : undefined
      const answer = await engine.start({ ...parsed, key, accessToken, body: parsed, from: { address: addressOf(c), userAgent: c.req.header('user-agent')?.slice(0, maxUserAgent) } })
      c.header('Location', `/v1/sessions/${answer.session}`)
      return answered(c, answer, {}, 201)
    })
    .get('/:id', async (c) => {
      const session = sessionOf(c)
      await engine.mayRead(session, bearerOf(c))
      const seen = Number(c.req.query('revision') ?? 0)
      const row = await readSession(session, Number.isSafeInteger(seen) ? seen : 0)
      const { view, revision } = row ?? (await foldOf(session))
      return c.json(sessionAnswer({ session, view, revision }, now().toISOString(), placeOf(view)))
    })
    .post('/:id/passkey', async (c) => {
      const parsed = await bodyOf(c, body.PasskeyBody)
      return answered(c, await engine.passkey(stepOf(c, parsed as StepRequest['body']), parsed.credential))
    })
    .post('/:id/passkey/options', async (c) => answered(c, await engine.passkeyOptions(stepOf(c, await bodyOf(c, body.NoBody)))))
    .post('/:id/passkey/report', async (c) => {
      const parsed = await bodyOf(c, body.ReportBody)
      return answered(c, await engine.passkeyReport(stepOf(c, parsed), parsed.platform, parsed.code))
    })
    .post('/:id/password', async (c) => {
      const parsed = await bodyOf(c, body.PasswordBody)
      return answered(c, await engine.password(stepOf(c, parsed), parsed.password, parsed))
    })
    .post('/:id/append/options', async (c) => {
      const answer = await engine.appendOptions(stepOf(c, await bodyOf(c, body.NoBody)))
      const creationOptions = 'done' in answer.outcome ? await engine.creationOptions(answer) : undefined
      return answered(c, answer, creationOptions && { creationOptions })
    })
    .post('/:id/append', async (c) => {
      const parsed = await bodyOf(c, body.AppendBody)
      return answered(c, await engine.append(stepOf(c, parsed as StepRequest['body']), parsed.credential))
    })
    .post('/:id/append/skip', async (c) => {
      const parsed = await bodyOf(c, body.AppendSkipBody)
      return answered(c, await engine.appendSkip(stepOf(c, parsed), parsed.reason))
    })
    .post('/:id/append/report', async (c) => {
      const parsed = await bodyOf(c, body.ReportBody)
      return answered(c, await engine.appendReport(stepOf(c, parsed), parsed.platform, parsed.code))
    })
    .post('/:id/otp/send', async (c) => {
      const parsed = await bodyOf(c, body.OtpSendBody)
      return answered(c, await engine.otpSend(stepOf(c, parsed), parsed.channel))
    })
    .post('/:id/otp', async (c) => {
      const parsed = await bodyOf(c, body.OtpBody)
      return answered(c, await engine.otp(stepOf(c, parsed), parsed.code))
    })
    .post('/:id/otp/skip', async (c) => answered(c, await engine.otpSkip(stepOf(c, await bodyOf(c, body.NoBody)))))
    .post('/:id/pin', async (c) => {
      const parsed = await bodyOf(c, body.PinBody)
      return answered(c, await engine.pin(stepOf(c, parsed), parsed.pin))
    })
    .post('/:id/pin/skip', async (c) => answered(c, await engine.pinSkip(stepOf(c, await bodyOf(c, body.NoBody)))))
    .post('/:id/biometrics', async (c) => {
      const parsed = await bodyOf(c, body.BiometricsBody)
      if (!isAccessToken(bearerOf(c))) return answered(c, await engine.biometrics(stepOf(c, parsed), parsed.enabled))
      await engine.switchBiometrics(await engine.accessTo(sessionOf(c), bearerOf(c)), parsed.enabled, keyOf(c))
      return c.json({ enabled: parsed.enabled })
    })
    .post('/:id/biometrics/skip', async (c) => answered(c, await engine.biometricsSkip(stepOf(c, await bodyOf(c, body.NoBody)))))
    .post('/:id/unlock', async (c) => {
      const { pin } = await bodyOf(c, body.UnlockBody)
      await engine.unlock(await engine.accessTo(sessionOf(c), bearerOf(c)), pin, keyOf(c))
      return c.json({ unlocked: true })
    })
    .post('/:id/refresh', async (c) => {
      const { refreshToken } = await bodyOf(c, body.RefreshBody)
      return c.json({ tokens: await engine.refresh(sessionOf(c), refreshToken, keyOf(c)) })
    })
    .delete('/:id', async (c) => {
      await engine.signOut(sessionOf(c), bearerOf(c), c.req.query('everywhere') === 'true')
      return c.body(null, 204)
    })

  async function foldOf(session: string): Promise<{ view: SessionView; revision: number }> {
    const { state, revision } = await engine.state(session)
    return { view: state.view, revision }
  }
}

/** A JWT has three parts and a flow token has one. */
const isAccessToken = (token: string): boolean => token.includes('.')
