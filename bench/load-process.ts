/** The load: apps that play whole first logins over HTTP, so many at a time, the two branches in turn. */
import { createSecretKey, randomUUID } from 'node:crypto'
import { Agent, request } from 'node:http'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { createOtp } from '../factors/otp.ts'
import { createClient, type Reply } from '../stories/app.ts'
import { createAuthenticator } from '../stories/authenticator.ts'
import { password, type Play, type Played } from './options.ts'
import { answerCalls } from './process.ts'

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

/** As much of `fetch` as the app needs. The global one costs several times as much, of a core that the engine could have. */
const carry = ((url: string, { method, headers, body }: { method: string; headers: Record<string, string>; body?: string }) =>
  new Promise((resolve, reject) => {
    const sent = request(url, { agent, method, headers: body === undefined ? headers : { ...headers, 'content-length': Buffer.byteLength(body) } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk)).on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode, headers: { get: (name: string) => response.headers[name] ?? null }, text: async () => text }))
    })
    // What `fetch` throws when the network fails.
    sent.on('error', (cause) => reject(new TypeError('fetch failed', { cause })))
    sent.end(body)
  })) as unknown as typeof fetch

async function play({ url, codes, people, concurrency, seconds, rate = Number.POSITIVE_INFINITY }: Play): Promise<Played> {
  const otp = createOtp(createSecretKey(Buffer.from(codes, 'base64')))
  const played: Played = { logins: 0, requests: 0, seconds: 0, steps: {}, failures: {}, left: 0 }
  const begun = performance.now()
  const until = begun + seconds * 1000
  let next = 0

  async function timed(step: string, taken: () => Promise<Reply>): Promise<void> {
    const before = performance.now()
    const { status, body } = await taken()
    ;(played.steps[step] ??= []).push(performance.now() - before)
    played.requests += 1
    if (status > 201) throw new Error(`${step}: ${status} ${body.code}`)
  }

  async function login(email: string, withPasskey: boolean): Promise<void> {
    const app = createClient({ url, app: 'demo', origin: 'https://localhost', installation: randomUUID(), fetch: carry })
    await timed('start', () => app.start(email))
    await timed('password', () => app.password(password))
    if (withPasskey) {
      await timed('append/options', () => app.appendOptions())
      const phone = createAuthenticator()
      const credential = await phone.create(app.latest.creationOptions as unknown as Parameters<typeof phone.create>[0], { origin: app.origin })
      await timed('append', () => app.append(credential))
    } else await timed('append/skip', () => app.appendSkip('declined'))
    await timed('otp/send', () => app.otpSend('email'))
    await timed('otp', () => app.otp(otp.code(app.session, 1)))
    await timed('pin', () => app.pin())
    await timed('biometrics', () => app.biometrics(true))
    if (app.latest.session?.status !== 'completed') throw new Error(`not completed, but at ${app.latest.session?.step}`)
    played.logins += 1
  }

  await Promise.all(Array.from({ length: concurrency }, async () => {
    while (performance.now() < until && next < people.length) {
      const turn = next++
      const early = begun + (turn / rate) * 1000 - performance.now()
      if (early > 0) await sleep(early)
      await login(people[turn] as string, turn % 2 === 0).catch((error: unknown) => {
        const what = error instanceof Error ? error.message : String(error)
        played.failures[what] = (played.failures[what] ?? 0) + 1
      })
    }
  }))
  return { ...played, seconds: (performance.now() - begun) / 1000, left: people.length - next }
}

answerCalls({ play }, async () => agent.destroy())
