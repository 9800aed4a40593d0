import { BACKWARDS, END, jsonEvent, NO_STREAM, StreamDeletedError, StreamNotFoundError, type AllStreamResolvedEvent, type ResolvedEvent } from '@eventstore/db-client'
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { encode } from './batch.ts'
import { followAll } from './eventstoredb/all.ts'
import { connect } from './eventstoredb/connection.ts'
import { readFailure, writeFailure } from './eventstoredb/errors.ts'
import { formatPosition, isAfter, parsePosition, recorded } from './eventstoredb/recorded.ts'
import { drain } from './eventstoredb/stream.ts'
import { OutcomeUnknown, StreamSealed, Unavailable, WrongRevision, type EventLog, type Expected, type Mark, type Recorded } from './event-log.ts'

/**
 * The log in an EventStoreDB or KurrentDB cluster (23.10 or later), written and read at its leader.
 * @param options.url `esdb://` or `esdb+discover://`, with credentials and TLS options
 * @param options.timeoutMs how long to wait for the node, in milliseconds (default 5000). After it an append has an unknown outcome and a
 *   read is unavailable. A subscription waits longer: it learns from pings that the node hangs.
 * @throws TypeError for a connection string that cannot be used
 */
export function openEventStoreDb({ url, timeoutMs = 5_000 }: { url: string; timeoutMs?: number }): EventLog {
  const client = connect(url, timeoutMs)
  const closing = new AbortController()
  setMaxListeners(0, closing.signal)

  /** The time limit ends the wait alone: for an answer, and for the client's search for a node. */
  const write = async <T>(stream: string, expected: Expected, call: () => Promise<T>): Promise<T> => {
    if (closing.signal.aborted) throw new Unavailable('the event log is closed')
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new OutcomeUnknown(`no answer within ${timeoutMs} ms`)), timeoutMs)
    })
    try {
      return await Promise.race([call(), late])
    } catch (error) {
      throw writeFailure(error, stream, expected)
    } finally {
      clearTimeout(timer)
    }
  }
  // No deadline, which would call a call off: the node takes that for the end of an append, and writes as many of its events as it has by then.
  const calling = { requiresLeader: true, deadline: Infinity }

  async function* readStream(stream: string, options: Parameters<typeof client.readStream>[1]): AsyncGenerator<Recorded> {
    const reading = client.readStream(stream, { ...options, requiresLeader: true })
    for await (const { event } of drain<ResolvedEvent>(reading, { signal: closing.signal, limitMs: timeoutMs })) if (event) yield recorded(event)
  }
  const lastOf = async (stream: string) => {
    let last: Recorded | undefined
    for await (const event of readStream(stream, { direction: BACKWARDS, fromRevision: END, maxCount: 1 })) last = event
    return last
  }
  /** The revision that it begins with; undefined for a sealed one. */
  const beginningOf = async (stream: string): Promise<number | undefined> => {
    try {
      for await (const { revision } of readStream(stream, { maxCount: 1 })) return revision
    } catch (error) {
      if (error instanceof StreamDeletedError) return undefined
      if (!(error instanceof StreamNotFoundError)) throw error
    }
    return 0
  }

  return {
    async append(stream, events, expected) {
      // Before the call: the node answers an empty batch as if it had written something, and one far too large with an error of no type.
      encode(events)
      const expectedRevision = expected === 'none' ? NO_STREAM : BigInt(expected)
      const { success, position, nextExpectedRevision } = await write(stream, expected, () =>
        client.appendToStream(stream, events.map(event => jsonEvent(event)), { ...calling, expectedRevision }))
      // No success: the connection string says throwOnAppendFailure=false. No position: somebody has deleted the stream by hand.
      if (!success || !position) throw new WrongRevision(stream, expected)
      return { position: formatPosition(position), revision: Number(nextExpectedRevision) }
    },

    async *read(stream, from = 0) {
      try {
        yield* readStream(stream, { fromRevision: BigInt(from) })
      } catch (error) {
        if (!isAbsence(error)) throw readFailure(error)
      }
    },

    last: stream => lastOf(stream).catch(error => {
      if (!isAbsence(error)) throw readFailure(error)
      return undefined
    }),

    async *readAll({ after, upTo, ...selection }) {
      if (after !== undefined) parsePosition(after)
      const end = upTo === undefined ? undefined : parsePosition(upTo)
      try {
        for await (const item of followAll(client, { after, ...selection }, beginningOf, { signal: closing.signal, limitMs: timeoutMs })) {
          if (item === 'caughtUp') return
          if (end && isAfter(parsePosition('checkpoint' in item ? item.checkpoint : item.position), end)) return
          if (!('checkpoint' in item)) yield item
        }
      } catch (error) {
        throw readFailure(error)
      }
    },

    async extent() {
      try {
        let end = 1n
        const reading = client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1, requiresLeader: true })
        for await (const { event } of drain<AllStreamResolvedEvent>(reading, { signal: closing.signal, limitMs: timeoutMs })) end = event?.position.commit ?? end
        // Positions are places in the node's file. Thousandths are enough for a bar.
        return position => Math.min(1, Number((parsePosition(position).commit * 1000n) / end) / 1000)
      } catch (error) {
        throw readFailure(error)
      }
    },

    async *subscribe({ after, signal, ...selection }) {
      if (after !== undefined) parsePosition(after)
      const ended = signal ? AbortSignal.any([closing.signal, signal]) : closing.signal
      let last = after
      for (let failures = 0; !ended.aborted; failures++) {
        try {
          for await (const item of followAll(client, { after: last, ...selection }, beginningOf, { signal: ended })) {
            if (item !== 'caughtUp') last = 'checkpoint' in item ? item.checkpoint : item.position
            failures = 0
            yield item
          }
        } catch {
          // Whatever broke it: the reader goes on after the last position that it was handed.
        }
        await sleep(Math.min(50 * 2 ** failures, 2_000), undefined, { signal: ended }).catch(() => {})
      }
    },

    async seal(stream) {
      if (!/^key-./.test(stream)) throw new TypeError(`only key streams can be sealed, not ${stream}`)
      await write(stream, 'none', () => client.tombstoneStream(stream, calling)).catch(error => {
        if (!(error instanceof StreamSealed)) throw error
      })
    },

    async truncate(marks) {
      const other = marks.find(({ stream }) => !/^key-./.test(stream))
      if (other) throw new TypeError(`only key streams can be truncated, not ${other.stream}`)
      // Key streams are the engine's alone: nobody else has anything in their metadata.
      const mark = async ({ stream, before }: Mark) => {
        const last = await lastOf(stream).catch(error => {
          if (!isAbsence(error)) throw readFailure(error)
          return undefined
        })
        if (last) await write(stream, 'none', () => client.setStreamMetadata(stream, { truncateBefore: Math.min(before, last.revision) }, calling))
      }
      await Promise.all(marks.map(mark))
    },

    async close() {
      closing.abort()
      await client.dispose()
    },
  }
}

const isAbsence = (error: unknown) => error instanceof StreamNotFoundError || error instanceof StreamDeletedError
