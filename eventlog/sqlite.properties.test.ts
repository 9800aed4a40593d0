import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { collect, newEvent } from './contract/fixture.ts'
import type { Expected } from './event-log.ts'
import { openSqliteLog } from './sqlite.ts'

const runs = process.env['PROVE'] ? 5_000 : 100
const seed = Number(process.env['PROVE_SEED'] ?? 20_260_302)

const folder = mkdtempSync(join(tmpdir(), 'event-log-'))
afterAll(() => rmSync(folder, { recursive: true }))

type Entry = { stream: string; id: string }

/** The same log in a few lines: what an append answers, and what is there afterwards. */
const createModel = () => {
  const entries: Entry[] = []
  const sealed = new Set<string>()
  const idsOf = (stream: string) => entries.filter(entry => entry.stream === stream).map(entry => entry.id)
  return {
    idsOf: (stream: string) => (sealed.has(stream) ? [] : idsOf(stream)),
    all: () => entries.filter(entry => !sealed.has(entry.stream)).map(entry => entry.id),
    head: (stream: string) => idsOf(stream).length - 1,
    seal: (stream: string) => void sealed.add(stream),
    append: (stream: string, ids: readonly string[], expected: Expected): number | string => {
      const there = idsOf(stream)
      const place = expected === 'none' ? 0 : expected + 1
      if (sealed.has(stream)) return 'stream_sealed'
      if (place < there.length) return ids.every((id, index) => there[place + index] === id) ? place + ids.length - 1 : 'wrong_revision'
      if (place > there.length || ids.some(id => there.slice(-32).includes(id))) return 'wrong_revision'
      entries.push(...ids.map(id => ({ stream, id })))
      return place + ids.length - 1
    },
  }
}

const streams = ['session-1', 'session-2', 'key-1']
const pool = Array.from({ length: 40 }, () => newEvent())
const someEvents = fc.uniqueArray(fc.nat(pool.length - 1), { minLength: 1, maxLength: 3 })
/** `beyond`: how far the expectation is off the head. `again`: which earlier append is repeated as it was, or with that other expectation. */
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ stream: fc.constantFrom(...streams), events: someEvents, beyond: fc.constantFrom(0, 0, 0, 0, -1, -2, 1) }) },
  { weight: 5, arbitrary: fc.record({ again: fc.nat(), beyond: fc.constantFrom(undefined, undefined, undefined, 0, -1) }) },
  { weight: 1, arbitrary: fc.record({ seal: fc.constant('key-1') }) },
)
/** Steps of one group are sent at once, through one of two handles. */
const history = fc.array(fc.record({ other: fc.boolean(), steps: fc.array(step, { minLength: 1, maxLength: 6 }) }), { maxLength: 10 })

test('any history of appends, repeats and seals leaves and answers what the model does', { timeout: 600_000 }, async () => {
  await fc.assert(fc.asyncProperty(history, async groups => {
    const file = join(folder, `${randomUUID()}.db`)
    const handles = [openSqliteLog({ file }), openSqliteLog({ file })] as const
    const model = createModel()
    const sent: { stream: string; ids: number[]; expected: Expected }[] = []
    const at = (revision: number): Expected => (revision < 0 ? 'none' : revision)
    try {
      for (const { other, steps } of groups) {
        const log = handles[other ? 1 : 0]
        const outcomes = steps.map(step => {
          if ('seal' in step) {
            model.seal(step.seal)
            return { expected: undefined, actual: log.seal(step.seal) }
          }
          const old = 'again' in step ? sent[step.again % Math.max(sent.length, 1)] : undefined
          if ('again' in step && !old) return { expected: undefined, actual: Promise.resolve() }
          const stream = old?.stream ?? ('stream' in step ? step.stream : '')
          const ids = old?.ids ?? ('events' in step ? step.events : [])
          const expected = old && step.beyond === undefined ? old.expected : at(model.head(stream) + (step.beyond ?? 0))
          sent.push({ stream, ids, expected })
          const events = ids.map(index => pool[index]!)
          const actual = log.append(stream, events, expected).then(({ revision }) => revision, error => error.code)
          return { expected: model.append(stream, events.map(event => event.id), expected), actual }
        })
        expect(await Promise.all(outcomes.map(outcome => outcome.actual))).toEqual(outcomes.map(outcome => outcome.expected))
      }
      for (const log of handles) {
        for (const stream of streams) expect((await collect(log.read(stream))).map(event => event.id)).toEqual(model.idsOf(stream))
        expect((await collect(log.readAll({}))).map(event => event.id)).toEqual(model.all())
      }
    } finally {
      for (const log of handles) await log.close()
      rmSync(file)
    }
  }), { numRuns: runs, seed })
})
