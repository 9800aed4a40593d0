/** One login at a time, for tests that look at it closely. */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, type Client } from '../stories/app.ts'
import { createAuthenticator, type Authenticator } from '../stories/authenticator.ts'
import { taken } from '../stories/chapters.ts'
import { shop } from '../stories/stage.ts'
import type { EngineProcess } from './engine-process.ts'
import { backendKey } from './place.ts'

export type Visitor = { account: string; email: string; password: string; phone: Authenticator; device: Authenticator; hasPasskey: boolean }

type Url = Pick<EngineProcess, 'url'>

export async function register({ url }: Url): Promise<Visitor> {
  const [email, password] = [`${randomBytes(8).toString('hex')}@example.com`, `correct horse ${randomBytes(4).toString('hex')}`]
  const { account } = await asBackend({ url }, '', { identifiers: [email], password })
  const phone = createAuthenticator()
  return { account: String(account), email, password, phone, device: phone, hasPasskey: false }
}

/** A request of the company's backend. */
export async function asBackend({ url }: Url, path: string, body?: object, method = 'POST'): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/v1/accounts${path}`, {
    method,
    headers: { authorization: `Bearer ${backendKey}`, 'content-type': 'application/json', 'idempotency-key': randomBytes(16).toString('base64url') },
    body: body === undefined ? null : JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as Record<string, unknown>
}

/** It gives up at once what it gets no answer for. */
export const newApp = ({ url }: Url, settings: { attempts?: number } = {}): Client =>
  createClient({ url, app: shop.id, origin: `https://${shop.rpId}`, attempts: 1, ...settings })

export async function givePassword(app: Client, { email, password }: Visitor): Promise<void> {
  taken(await app.start(email))
  taken(await app.password(password, app.latest.next?.some(({ action }) => action === 'passkey') ? { insteadOf: 'chosen' } : {}))
}

/** `/health/ready`, whatever its status. */
export async function health({ url }: Url): Promise<{ status: number; body: { ready: boolean; log: string; projections: { projection: string; state: string; lag?: number }[] } }> {
  const response = await fetch(`${url}/health/ready`)
  return { status: response.status, body: (await response.json()) as never }
}

export async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20)
}

/** Every projection is up to date, here or in the engine that keeps it. */
export const projecting = (engine: Url): Promise<void> =>
  until(async () => (await health(engine)).body.projections.every(({ lag }) => lag === 0))
