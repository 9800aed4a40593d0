import { describe, expect, test } from 'vitest'
import { assertDescribed, type Answered } from './testing-contract.ts'

const json = { contentType: 'application/json', status: 200 }
const problem = { contentType: 'application/problem+json' }
const refresh = { method: 'POST', path: '/v1/sessions/1/refresh' }
const tokens = { tokenType: 'Bearer', accessToken: 'a.b.c', expiresIn: 600, refreshToken: 'd', refreshExpiresAt: '2026-03-02T08:00:00.000Z' }
const over = { type: 'urn:keyledger:problem:session_over', title: 'Over', status: 401, code: 'session_over' }

describe('An answer that openapi.json describes', () => {
  test.each<[string, Answered]>([
    ['as JSON', { ...refresh, ...json, body: { tokens } }],
    ['as a problem', { ...refresh, ...problem, status: 401, body: over }],
    ['without a body', { method: 'DELETE', path: '/v1/sessions/1?everywhere=true', status: 204, body: undefined, contentType: null }],
    ['where nothing is', { method: 'GET', path: '/v2', ...problem, status: 404, body: { ...over, status: 404, code: 'not_found' } }],
    ['that tells people more', { method: 'GET', path: '/health/ready', ...json, status: 503, body: { ready: false, log: 'out of reach' } }],
  ])('is taken %s', (_, answered) => assertDescribed(answered))

  const notFound = { ...over, status: 404, code: 'not_found' }
  test.each<[string, Answered, RegExp]>([
    ['with a field that is not described', { ...refresh, ...json, body: { tokens, more: 1 } }, /more/],
    ['with one further in', { ...refresh, ...json, body: { tokens: { ...tokens, more: 1 } } }, /tokens.*more/],
    ['without a field', { ...refresh, ...json, body: {} }, /tokens/],
    ['with a value of another form', { ...refresh, ...json, body: { tokens: { ...tokens, refreshExpiresAt: 'soon' } } }, /date-time/],
    ['with a status that is not described', { ...refresh, ...json, status: 201, body: { tokens } }, /refresh: 201 is not described/],
    ['as another type', { ...refresh, ...json, contentType: 'text/html', body: { tokens } }, /text\/html/],
    ['without its body', { ...refresh, ...json, contentType: null, body: undefined }, /empty/],
    ['with a body where none is due', { method: 'DELETE', path: '/v1/sessions/1', ...json, status: 204, body: {} }, /json/],
    ['with a code that no problem has', { ...refresh, ...problem, status: 401, body: { ...over, code: 'unheard_of' } }, /code/],
    ['with a code of another operation', { ...refresh, ...problem, status: 401, body: { ...over, code: 'flow_token_invalid' } }, /code/],
    ['with a code of another status', { ...refresh, ...problem, status: 403, body: { ...over, status: 403 } }, /code/],
    ['with a status of its own in the body', { ...refresh, ...problem, status: 401, body: { ...over, status: 403 } }, /403/],
    ['with a field in a problem', { ...refresh, ...problem, status: 401, body: { ...over, more: 1 } }, /more/],
    ['where nothing is, but not as such', { method: 'GET', path: '/v2', ...problem, status: 404, body: { ...notFound, code: 'session_unknown' } }, /code/],
    ['where nothing is, with something', { method: 'PUT', path: '/v1/sessions', ...json, body: {} }, /PUT \/v1\/sessions: 200/],
  ])('is refused %s', (_, answered, why) => expect(() => assertDescribed(answered)).toThrow(why))

  test('is found by the path that is written out, before one with an id in its place', () => {
    const results = { results: [] }
    assertDescribed({ method: 'POST', path: '/v1/accounts/import', ...json, body: results })
    expect(() => assertDescribed({ method: 'POST', path: '/v1/accounts/find', ...json, body: results })).toThrow(/findAccount/)
  })
})
