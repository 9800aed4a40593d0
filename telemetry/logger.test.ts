import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { createLogger, errorFields, levels, type Level } from './logger.ts'

const at = '2026-03-02T08:00:00.000Z'
const logged = (level: Level, use: (log: ReturnType<typeof createLogger>) => void): string[] => {
  const lines: string[] = []
  use(createLogger({ level, now: () => new Date(at), write: (line) => lines.push(line) }))
  return lines
}
const thrown = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error
  }
}

test('A line is one JSON object, and says when, how bad and what', () => {
  expect(logged('info', (log) => log('warn', 'request', { status: 503, code: undefined }))).toEqual([`{"at":"${at}","level":"warn","what":"request","status":503}`])
})

test('A level shows itself and what is worse', () => {
  const shown = levels.map((level) => logged(level, (log) => levels.forEach((one) => log(one, one))).length)
  expect(shown).toEqual([1, 2, 3, 4])
})

test('Nothing that stands in a field can begin a line of its own', () => {
  const [line, ...others] = logged('info', (log) => log('info', 'request', { route: 'a\n{"level":"error"}\r\u2028\u0085\u001b[2J' }))
  expect(others).toEqual([])
  expect(line).not.toMatch(/[\u0000-\u001f]/)
  expect(JSON.parse(line as string).route).toBe('a\n{"level":"error"}\r\u2028\u0085\u001b[2J')
})

test('An error is told by its name, its code and where it happened, and never by its message', () => {
  const error = Object.assign(new TypeError('ada@example.com is taken'), { code: 'ECONNREFUSED' })
  const fields = errorFields(error)
  expect(fields).toMatchObject({ name: 'TypeError', code: 'ECONNREFUSED' })
  expect((fields['stack'] as string[])[0]).toMatch(/^at .*telemetry\/logger\.test\.ts:\d+:\d+/)
  expect(JSON.stringify(fields)).not.toContain('ada')
})

test('and so is what caused it, with the code of SQLite', () => {
  const cause = thrown(() => new DatabaseSync(':memory:').exec("insert into people values ('ada@example.com')"))
  const fields = errorFields(new Error('the log: ada@example.com', { cause }))
  expect(fields['cause']).toMatchObject({ name: 'Error', code: 'ERR_SQLITE_ERROR', errcode: 1 })
  expect(JSON.stringify(fields)).not.toContain('ada')
  const circle = new Error('a')
  circle.cause = circle
  expect(() => JSON.stringify(errorFields(circle))).not.toThrow()
})

test.each<[string, unknown]>([
  ['a message that looks like frames', new Error('no such person\n    at ada@example.com (file:///secret-ada:1:2)')],
  ['a message that was changed later', Object.assign(new Error('x\n    at ada (file:///secret-ada:1:2)'), { message: 'another' })],
  ['what JSON.parse quotes', thrown(() => JSON.parse('{"email":"ada@example.com", oops'))],
  ['a name that is data', Object.assign(new Error('no'), { name: 'ada@example.com' })],
  ['a code that is data', Object.assign(new Error('no'), { code: 'ada@example.com' })],
  ['a string', 'ada@example.com'],
  ['an object', { name: 'Ada Lovelace', message: 'ada@example.com' }],
  ['nothing', undefined],
])('Nobody is named by %s', (_, error) => {
  expect(JSON.stringify(errorFields(error))).not.toMatch(/ada/i)
})
