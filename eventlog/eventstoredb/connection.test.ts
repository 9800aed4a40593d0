import { describe, expect, test } from 'vitest'
import { withPings } from './connection.ts'

const pings = 'keepAliveInterval=10000&keepAliveTimeout=5000'

describe('a connection string', () => {
  test.each([
    ['esdb://localhost', `esdb://localhost?${pings}`],
    ['esdb://127.0.0.1:2113?tls=false', `esdb://127.0.0.1:2113?tls=false&${pings}`],
    ['esdb+discover://admin:c%40t@cluster.example:2113/', `esdb+discover://admin:c%40t@cluster.example:2113?${pings}`],
    ['esdb://a:1,b:2,c:3/?nodePreference=leader', `esdb://a:1,b:2,c:3?nodePreference=leader&${pings}`],
    ['esdb://a?keep-alive-timeout=700', 'esdb://a?keep-alive-timeout=700&keepAliveInterval=10000'],
    ['esdb://a?KeepAliveInterval=20000&keepAliveTimeout=700', 'esdb://a?KeepAliveInterval=20000&keepAliveTimeout=700'],
  ])('%s is given pings, where it says nothing of them', (given, complete) => {
    expect(withPings(given, 5_000)).toBe(complete)
  })

  test.each([
    ['esdb://admin:changeit@a?tsl=false', 'the connection string has an unknown option: tsl'],
    ['esdb://admin:changeit@a?tlsVerifyCert=false', 'the client always verifies certificates: name the authority with tlsCAFile'],
    ['postgres://admin:changeit@a', 'not a connection string: it looks like esdb://host:port?key=value or esdb+discover://user:password@host:port'],
  ])('a mistake in it is named without the password', (given, message) => {
    expect(() => withPings(given, 5_000)).toThrow(new TypeError(message))
  })
})
