/** Stands between the apps of the stories and the engine: notes every secret that passes, and holds every answer against the contract. */
import assert from 'node:assert/strict'
import { assertDescribed } from '../http/testing-contract.ts'
import type { Tokens } from '../mobile-contracts/answers.ts'

export const kinds = ['identifier', 'address', 'password', 'code', 'pin', 'flow token', 'access token', 'refresh token', 'device', 'key'] as const
export type Secret = (typeof kinds)[number]
export type Witness = { secrets: ReadonlyMap<string, Secret>; note(kind: Secret, ...values: (string | undefined)[]): void; fetch: typeof fetch }

export const userAgent = 'StoryApp/7.3 (Northwind Phone)'

export function createWitness(): Witness {
  const secrets = new Map<string, Secret>()
  const note: Witness['note'] = (kind, ...values) => values.forEach((value) => value && secrets.set(value, kind))

  return {
    secrets,
    note,
    async fetch(input, init = {}) {
      const path = new URL(String(input)).pathname
      const sent = typeof init.body === 'string' ? JSON.parse(init.body) : {}
      note('identifier', sent.identifier, sent.identifier?.toLowerCase())
      note('password', sent.password)
      note('pin', sent.pin)
      note('code', path.endsWith('/otp') ? sent.code : undefined)
      note('device', sent.device?.model, userAgent)
      const headers = new Headers(init.headers)
      headers.set('user-agent', userAgent)
      const bearer = headers.get('authorization')?.slice('Bearer '.length)
      if (bearer && !bearer.includes('.')) note('flow token', bearer)

      const response = await fetch(input, { ...init, headers })
      const text = await response.clone().text()
      const body = text === '' ? undefined : JSON.parse(text)
      assertDescribed({ method: init.method ?? 'GET', path, status: response.status, body, contentType: response.headers.get('content-type') })
      assert.equal(response.headers.get('cache-control'), 'no-store')
      noteTokens(body ?? {})
      return response
    },
  }

  function noteTokens({ tokens }: { tokens?: Tokens }): void {
    note('access token', tokens?.accessToken)
    // What makes a refresh token good is its last part.
    note('refresh token', tokens?.refreshToken, tokens?.refreshToken.split('.').at(-1))
  }
}
