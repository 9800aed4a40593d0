import { EventStoreDBClient } from '@eventstore/db-client'

const known = new Set([
  'tls', 'tlscafile', 'tlsverifycert', 'usercertfile', 'userkeyfile', 'connectionname', 'nodepreference', 'defaultdeadline', 'discoveryinterval',
  'gossiptimeout', 'maxdiscoverattempts', 'keepaliveinterval', 'keepalivetimeout', 'throwonappendfailure',
])
const flat = (key: string) => key.trim().toLowerCase().replace(/[_-]/g, '')

/**
 * The connection string with pings: a node that hangs keeps its connections, and only pings without an answer tell. Mistakes are named without
 * quoting the string: the client's own errors and warnings repeat it whole, with the password.
 * @param pingTimeoutMs until a ping counts as lost, in milliseconds; the interval is 10 s, since the client warns of a shorter one
 * @throws TypeError
 */
export const withPings = (url: string, pingTimeoutMs: number): string => {
  const parts = url.trim().match(/^(?<node>esdb(?:\+discover)?:\/\/(?:[^:]+:[^@]+@)?[^?]+?)\/*(?:\?(?<query>.*))?$/)?.groups
  if (!parts) throw new TypeError('not a connection string: it looks like esdb://host:port?key=value or esdb+discover://user:password@host:port')
  const given = (parts['query'] ?? '').split('&').filter(pair => pair !== '').map(pair => pair.split('=') as [string, string?])
  const options = new Map(given.map(([key, value]) => [flat(key), value]))
  for (const [key] of given) if (!known.has(flat(key))) throw new TypeError(`the connection string has an unknown option: ${key}`)
  if (options.get('tlsverifycert') === 'false') throw new TypeError('the client always verifies certificates: name the authority with tlsCAFile')
  const pings = Object.entries({ keepAliveInterval: 10_000, keepAliveTimeout: pingTimeoutMs }).filter(([key]) => !options.has(flat(key)))
  return [parts['node'], [...given, ...pings].map(pair => pair.join('=')).join('&')].filter(part => part !== '').join('?')
}

/** @throws TypeError for a connection string that cannot be used */
export const connect = (url: string, pingTimeoutMs: number): EventStoreDBClient => {
  try {
    const client = EventStoreDBClient.connectionString(withPings(url, pingTimeoutMs))
    // A call for each append. The client's shared stream for all of them is cheaper, but its answers are in one table for the whole process:
    // an error on one stream fails the appends of all clients, an answer that comes after it finds no entry, and what still waits to be sent
    // when a hung node is given up rejects where nobody listens. Either ends the process.
    client['supports'] = async () => false
    // When a call fails, the client gives its channel up. If another call is looking for a node just then (an election), it waits for that
    // one, fails with it, and again nobody listens.
    const giveUp = client['handleError']
    client['handleError'] = (...failure) => giveUp(...failure).catch(() => {})
    return client
  } catch (error) {
    if (error instanceof Error && 'connectionString' in error) throw new TypeError('the connection string has a host or a value that cannot be read')
    throw error
  }
}
