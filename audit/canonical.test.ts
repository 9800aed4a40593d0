import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Json } from '../eventlog/event-log.ts'
import { canonical, leafOf, NotCanonical } from './canonical.ts'

const { cases } = JSON.parse(readFileSync(new URL('vectors/canonical.json', import.meta.url), 'utf8')) as { cases: { name: string; input: string; output: string }[] }

test.each(cases)("The published case '$name' is written as it should be", ({ input, output }) => expect(canonical(JSON.parse(input) as Json)).toBe(output))

/** RFC 8785, appendix B: the bits of a number, and how it is written. */
test.each([
  ['0000000000000000', '0'], ['8000000000000000', '0'], ['0000000000000001', '5e-324'], ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'], ['4340000000000000', '9007199254740992'], ['c340000000000000', '-9007199254740992'], ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'], ['44b52d02c7e14af6', '1e+23'], ['44b52d02c7e14af7', '1.0000000000000001e+23'], ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef50', '1e+21'], ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'], ['3eb0c6f7a0b5ed8d', '0.000001'], ['41b3de4355555555', '333333333.3333333'], ['becbf647612f3696', '-0.0000033333333333333333'],
])('The number %s is written %s', (bits, written) => expect(canonical(Buffer.from(bits, 'hex').readDoubleBE())).toBe(written))

test.each([[Number.NaN], [Number.POSITIVE_INFINITY], ['half \ud800'], [{ '\udc00': 1 }], [[undefined as unknown as Json]]])('%j has no canonical form', (value) => {
  expect(() => canonical(value as Json)).toThrow(NotCanonical)
})

test("A leaf is the canonical form of the event, without what is the store's own", () => {
  const metadata = { at: '2026-03-02T08:00:00.000Z', actor: 'engine', $correlationId: 'x', $causationId: 'y', fingerprint: 'z' }
  const event = { stream: 'session-1', revision: 3, id: 'an id', type: 'Done', data: { b: 1, a: { d: [null, 'ä\n'], c: true } }, metadata }
  expect(leafOf({ ...event, position: '7' } as typeof event)).toBe(canonical(event))
})
