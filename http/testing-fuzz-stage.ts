/** An engine that is sent spoiled requests by many people at once, and a judge of every answer and of every event that it wrote. */
import { AsyncLocalStorage } from 'node:async_hooks'
import fc from 'fast-check'
import { createDice, keep, makeEvents } from '../audit/testing.ts'
import { problems } from './problems.ts'
import { createPerson, type Answered, type Person } from './testing-fuzz-people.ts'
import { drafts, type Fuzzed } from './testing-fuzz-requests.ts'
import { marker } from './testing-fuzz-values.ts'
import { proofsOf } from './testing-proofs.ts'
import { openApi, type ApiOptions } from './testing.ts'

/** How often: each status, each problem code, each operation that was done. */
export type Tally = { sent: number; written: number; faults: string[]; statuses: Map<string, number>; codes: Map<string, number>; done: Map<string, number> }
export const newTally = (): Tally => ({ sent: 0, written: 0, faults: [], statuses: new Map(), codes: new Map(), done: new Map() })

/** What answers that must have written nothing have for their status, or else for their code. */
const malformedStatuses = new Set([400, 401, 404, 413, 415])
const nothingDecided = new Set(['key_reused', 'step_not_legal', 'session_completed', 'challenge_used', 'contact_malformed', 'password_unacceptable'])
/** What a `session_over` may have written: that a used refresh token came again, or a login that was completed at the moment when all were ended. */
const beforeOver = new Set(['RefreshReused', 'SessionCompleted'])
const people = 24
const kinds = ['session-', 'account-', 'identifier-', 'tokens-']

export async function openFuzzStage(options: ApiOptions, tally: Tally) {
  const ledger = keep(makeEvents(createDice(1), 40))
  const { tree, proofs } = proofsOf(() => ledger)
  const api = await openApi({ proofs, ...options })
  await api.engine.ledger.checkpoint(tree)
  const [leaf] = ledger.leaves
  const queries = { proveInclusion: `stream=${leaf?.stream}&revision=0`, proveConsistency: `from=1&to=${ledger.leaves.length}` }
  const request = new AsyncLocalStorage<{ written: string[] }>()
  let [writtenByNobody, writtenHere] = [0, 0]
  // Exact, however many are under way: an append runs in the context of the request that it belongs to.
  api.log.broken.append = async (next, stream, events) => {
    const appended = await next()
    if (!kinds.some((kind) => stream.startsWith(kind))) return appended
    const by = request.getStore()
    if (by) by.written.push(...events.map(({ type }) => type))
    else writtenByNobody += events.length
    return appended
  }
  const codeFor = (addresses: readonly string[]) => api.world.messages.findLast(({ to, code }) => code !== undefined && addresses.includes(to))?.code
  const crowd: Person[] = Array.from({ length: people }, () => createPerson({ codeFor, queries, anybody: () => crowd[tally.sent % people] as Person }))

  async function send(fuzzed: Fuzzed, sent: Request): Promise<{ status: number; body: Answered }> {
    const mine = { written: [] as string[] }
    api.world.time += 1
    const fault = (what: string) => void tally.faults.push(`${what}: ${describe(fuzzed)}`)
    const answer = await request.run(mine, async () => {
      try {
        const response = await api.app.fetch(sent)
        const text = await response.text()
        await api.engine.settled()
        return { status: response.status, headers: response.headers, text }
      } catch (error) {
        fault(error instanceof Error ? error.message : String(error))
        return { status: 0, headers: new Headers(), text: '' }
      }
    })
    const { status, headers, text } = answer
    const body: Answered = headers.get('content-type')?.includes('json') ? JSON.parse(text || '{}') : {}
    const code = typeof body['code'] === 'string' ? body['code'] : undefined
    for (const what of judge(status, headers, text, code, mine.written)) fault(what)
    count(fuzzed, status, code)
    writtenHere += mine.written.length
    return { status, body }
  }

  function count({ operation, request: { method } }: Fuzzed, status: number, code: string | undefined): void {
    tally.sent += 1
    const one = (counts: Map<string, number>, name: string) => void counts.set(name, (counts.get(name) ?? 0) + 1)
    one(tally.statuses, String(status))
    if (code) one(tally.codes, code)
    if (method === operation.method && status > 0 && status < 300) one(tally.done, operation.id)
  }

  return {
    api,
    /** So many requests, of everybody at once; each person sends theirs one after the other, and now and then one twice at once. */
    async send(count: number, seed: number): Promise<void> {
      const waiting = fc.sample(drafts, { numRuns: count, seed })
      const act = async (person: Person): Promise<void> => {
        for (let draft = waiting.pop(); draft; draft = waiting.pop()) {
          const fuzzed = await person.draw(draft)
          const twice = draft.pick % 40 === 0 && !(draft.wire.kind === 'breaks off')
          const again = twice ? fuzzed.request.clone() : undefined
          const [{ status, body }] = await Promise.all([send(fuzzed, fuzzed.request), again && waiting.pop() && send(fuzzed, again)])
          person.learn(fuzzed, draft, status, body)
          if (draft.pick % 200 === 0) api.pass(draft.pick % 90)
        }
      }
      await Promise.all(crowd.map(act))
      for (const error of api.world.errors.splice(0)) tally.faults.push(`told to onError: ${error instanceof Error ? error.stack : String(error)}`)
      if (api.world.messages.length > 2_000) api.world.messages.splice(0, api.world.messages.length - 1_000)
    },

    /** Every event in the log is one of a request that was answered, or of nobody's: none came from elsewhere. */
    async close(): Promise<void> {
      let events = 0
      for await (const _ of api.log.readAll({ prefixes: kinds })) events += 1
      if (events !== writtenHere + writtenByNobody) tally.faults.push(`${events} events in the log, ${writtenHere} by requests and ${writtenByNobody} beside them`)
      if (writtenByNobody > 0) tally.faults.push(`${writtenByNobody} events that no request wrote`)
      tally.written += events
      await api.close()
    },
  }
}

function* judge(status: number, headers: Headers, text: string, code: string | undefined, written: readonly string[]): Iterable<string> {
  if (status >= 500 && (status !== 503 || code === undefined || problems[code as keyof typeof problems]?.[0] !== 503)) yield `answered ${status} ${code}`
  if (status === 503 && headers.get('retry-after') === null && code !== 'delivery_failed') yield `a ${status} ${code} that does not say when`
  const malformed = malformedStatuses.has(status) || (code !== undefined && nothingDecided.has(code))
  const over = code === 'session_over' && written.some((type) => beforeOver.has(type))
  if (malformed && written.length > 0 && !over) yield `${status} ${code}, and wrote ${written}`
  // The id of a passkey that is to be forgotten is told back to whoever sent it: base64url, and nothing else.
  if (status >= 400 && text.replace(/"unknownCredentialId":"[\w-]*"/, '').includes(marker)) yield `${status} ${code} quotes what was sent`
  if (headers.get('access-control-allow-origin') !== null || headers.get('set-cookie') !== null) yield 'a header that nobody may get'
}

/** For a bug report: all that is needed to send it again. */
function describe({ operation, request: { method, url, headers }, body }: Fuzzed): string {
  const short = (text: string | undefined): string => (text === undefined || text.length <= 400 ? String(text) : `${text.slice(0, 400)}... (${text.length})`)
  return `${operation.id}: ${method} ${short(url)} ${short(JSON.stringify([...headers]))} ${short(JSON.stringify(body))}`
}
