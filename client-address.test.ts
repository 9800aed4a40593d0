import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clientAddress } from './client-address.ts'

const proxy = '10.0.0.1'
const runs = { numRuns: process.env['PROVE'] ? 20_000 : 300, ...(process.env['PROVE_SEED'] ? { seed: Number(process.env['PROVE_SEED']) } : { seed: 5 }) }

test.each<[string, string | undefined, number, string]>([
  ['no proxy is trusted', '192.0.2.9', 0, proxy],
  ['one appended whom it was talking to', '192.0.2.9', 1, '192.0.2.9'],
  ['what came before it was with the request', '198.51.100.1, 192.0.2.9', 1, '192.0.2.9'],
  ['two appended, the outer one first', '198.51.100.1, 192.0.2.9, 10.0.0.2', 2, '192.0.2.9'],
  ['an outer proxy was passed by', '192.0.2.9', 2, proxy],
  ['the proxy appended nothing', undefined, 1, proxy],
  ['the entry is empty', '192.0.2.9,', 1, proxy],
  ['the entry is no address', '192.0.2.9, unknown', 1, proxy],
  ['the entry is a name', 'login.example', 1, proxy],
  ['the entry has a port', '192.0.2.9:4711', 1, '192.0.2.9'],
  ['the entry is IPv6', '2001:DB8:0:0::1', 1, '2001:db8::1'],
  ['the entry is IPv6 in brackets', '[2001:db8::1]', 1, '2001:db8::1'],
  ['the entry is IPv6 with a port', '[2001:db8::1]:4711', 1, '2001:db8::1'],
  ['the entry is IPv4, mapped', '::ffff:192.0.2.9', 1, '192.0.2.9'],
  ['the entry is IPv4, mapped, in hexadecimal', '[::ffff:c000:209]:4711', 1, '192.0.2.9'],
  ['the entry is IPv4 in brackets', '[192.0.2.9]', 1, proxy],
  ['the entry has a port that is none', '192.0.2.9:port', 1, proxy],
  ['the entry is half an address', '192.0.2', 1, proxy],
])('Where %s', (_, header, hops, address) => {
  expect(clientAddress(proxy, header, hops)).toBe(address)
})

test('A peer that speaks IPv4 on an IPv6 listener is the same as on an IPv4 one', () => {
  expect(clientAddress('::ffff:192.0.2.9', undefined, 0)).toBe('192.0.2.9')
  expect(clientAddress('fe80::1%eth0', undefined, 0)).toBe('fe80::1%eth0')
  expect(clientAddress(undefined, undefined, 0)).toBeUndefined()
})

const address = fc.oneof(fc.ipV4(), fc.ipV6())
/** Whatever a client may put there, from honest lists to bytes. */
const invented = fc.oneof(fc.array(fc.oneof(address, fc.string()), { maxLength: 6 }).map((parts) => parts.join(', ')), fc.string(), fc.string({ unit: 'binary' }))

test('Whatever a client writes into the header, what the trusted proxies append is what counts', () => {
  fc.assert(
    fc.property(invented, fc.array(address, { minLength: 1, maxLength: 4 }), (sent, appended) => {
      const honest = clientAddress(proxy, appended.join(', '), appended.length)
      expect(clientAddress(proxy, `${sent}, ${appended.join(', ')}`, appended.length)).toBe(honest)
      expect(honest).not.toBe(proxy)
    }),
    runs,
  )
})

test('Without trusted proxies nothing that a client writes is read', () => {
  fc.assert(fc.property(invented, (sent) => void expect(clientAddress('192.0.2.9', sent, 0)).toBe('192.0.2.9')), runs)
})
