/** The parts that a step waits for, observed from outside: each looks like the one that it stands before, and none of them knows of it. */
import { SpanKind } from '@opentelemetry/api'
import type { Carrier } from '../delivery/delivery.ts'
import type { EventLog, Recorded } from '../eventlog/event-log.ts'
import { HashQueueFull, type HashGate } from '../factors/hash-gate.ts'
import type { Metrics } from './metrics.ts'
import { codeOf, fails, inSpan, spanBeside, tell } from './traces.ts'

type Parts = { metrics: Metrics; clock: () => number }

/** `session`, `account`, ...: what comes after it names a person, or a keyed hash of what they typed. */
const kindOf = (stream: string): string => /^[a-z]+(?=-)/.exec(stream)?.[0] ?? 'other'

export function observedLog(log: EventLog, { metrics, clock }: Parts): EventLog {
  const since = (began: number): number => (clock() - began) / 1000
  return {
    readAll: (options) => log.readAll(options),
    extent: () => log.extent(),
    subscribe: (options) => log.subscribe(options),
    seal: (stream) => log.seal(stream),
    truncate: (marks) => log.truncate(marks),
    close: () => log.close(),

    append(stream, events, expected) {
      const began = clock()
      return inSpan('log append', {}, async (span) => {
        tell(span, () => ({ 'keyledger.stream.kind': kindOf(stream), 'keyledger.events': events.length }))
        try {
          const appended = await log.append(stream, events, expected)
          metrics.appends.observe({ outcome: 'done' }, since(began))
          for (const { type } of events) metrics.events.inc({ type })
          return appended
        } catch (error) {
          metrics.appends.observe({ outcome: codeOf(error) }, since(began))
          throw error
        }
      })
    },

    read: (stream, from) => ({
      [Symbol.asyncIterator]() {
        const [began, span] = [clock(), spanBeside('log read')]
        tell(span, () => ({ 'keyledger.stream.kind': kindOf(stream) }))
        const events = log.read(stream, from)[Symbol.asyncIterator]()
        let read = 0
        const end = (): void => {
          metrics.reads.observe({ operation: 'read' }, since(began))
          tell(span, () => ({ 'keyledger.events': read }))
          span.end()
        }
        const arrived = (item: IteratorResult<Recorded>): IteratorResult<Recorded> => {
          if (item.done) end()
          else read += 1
          return item
        }
        const failed = (error: unknown): never => {
          fails(span, codeOf(error))
          end()
          throw error
        }
        return {
          next: () => events.next().then(arrived, failed),
          async return(value) {
            end()
            return (await events.return?.(value)) ?? { done: true, value }
          },
        }
      },
    }),

    last: (stream) => {
      const began = clock()
      return inSpan('log last', {}, async (span) => {
        tell(span, () => ({ 'keyledger.stream.kind': kindOf(stream) }))
        const last = await log.last(stream)
        metrics.reads.observe({ operation: 'last' }, since(began))
        return last
      })
    },
  }
}

export function observedGate(gate: HashGate, { metrics, clock }: Parts): HashGate {
  return {
    run: (work) => {
      const asked = clock()
      return inSpan('password hash', {}, async (span) => {
        try {
          return await gate.run(async () => {
            const began = clock()
            const waited = (began - asked) / 1000
            metrics.hashWait.observe(waited)
            tell(span, () => ({ 'keyledger.hash.wait_seconds': waited }))
            try {
              return await work()
            } finally {
              metrics.hashDuration.observe((clock() - began) / 1000)
            }
          })
        } catch (error) {
          if (error instanceof HashQueueFull) metrics.hashesRefused.inc()
          throw error
        }
      })
    },
    get waiting() {
      return gate.waiting
    },
    get running() {
      return gate.running
    },
  }
}

/** Neither to whom nor what: the channel, and what the carrier said. */
export function observedCarrier(carrier: Carrier, { metrics, clock }: Parts): Carrier {
  return (message, signal) => {
    const [began, { channel, template }] = [clock(), message]
    return inSpan(`deliver ${channel}`, { kind: SpanKind.CLIENT }, async (span) => {
      const receipt = await carrier(message, signal)
      const outcome = receipt.delivered ? 'delivered' : receipt.reason
      metrics.deliveries.inc({ channel, outcome })
      metrics.deliveryDuration.observe({ channel }, (clock() - began) / 1000)
      tell(span, () => ({ 'keyledger.channel': channel, 'keyledger.template': template, 'keyledger.outcome': outcome }))
      if (!receipt.delivered) fails(span, outcome)
      return receipt
    })
  }
}
