import { EventStoreDBClient } from '@eventstore/db-client'

const known = new Set([
  'tls', 'tlscafile', 'tlsverifycert', 'usercertfile', 'userkeyfile', 'connectionname', 'nodepreference', 'defaultdeadline', 'discoveryinterval',
  'gossiptimeout', 'maxdiscoverattempts', 'keepaliveinterval', 'keepalivetimeout', 'throwonappendfailure',
])
const flat = (key: string) => key.trim().toLowerCase().replace(/[_-]/g, '')

/**
 * A client for a connection string. What is wrong with the string is said without quoting it: the client's own errors and warnings
 * repeat it whole, with the password.
 * @throws TypeError
 */
export const connect = (url: string, timeoutMs: number): EventStoreDBClient => {
  const parts = url.trim().match(/^esdb(?:\+discover)?:\/\/(?:[^:]+:[^@]+@)?[^?]+(?:\?(?<query>.+))?$/)
  if (!parts) throw new TypeError('not a connection string: esdb://host:port?key=value or esdb+discover://...')
  const options = new Map((parts.groups?.query ?? '').split('&').filter(pair => pair !== '').map(pair => {
    const [key = '', value = ''] = pair.split('=')
    return [flat(key), value]
  }))
  for (const key of options.keys()) if (!known.has(key)) throw new TypeError(`unknown option "${key}" in the connection string`)
  if (options.get('tlsverifycert') === 'false') throw new TypeError('the client always verifies certificates: name the authority with tlsCAFile')

  // A node that hangs keeps its connections: pings alone tell, after interval + timeout. The client warns of intervals below 10 s.
  const keepAlive = { keepAliveInterval: 10_000, keepAliveTimeout: timeoutMs }
  const added = Object.entries(keepAlive).filter(([key]) => !options.has(flat(key))).map(([key, value]) => `${key}=${value}`)
  const complete = [url.trim().replace(/\/+$/, ''), added.join('&')].filter(part => part !== '').join(options.size === 0 ? '?' : '&')

  try {
    const client = EventStoreDBClient.connectionString(complete)
    // Else all appends of the process share one stream and one table of answers: an error in one fails the others, answers that come after
    // it find no entry, and both end as unhandled rejections, that is the process. Calls of their own cost more and fail alone.
    client['supports'] = async () => false
    return client
  } catch (error) {
    if (error instanceof Error && 'connectionString' in error) throw new TypeError('the connection string has a host or an option that cannot be read')
    throw error
  }
}
