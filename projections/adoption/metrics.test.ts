import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { metrics } from './metrics.ts'
import { dimensions } from './question.ts'
import { filterTable, metricSections } from './testing-docs.ts'

const docs = readFileSync(new URL('../../docs/adoption.md', import.meta.url), 'utf8')

test('docs/adoption.md says of every metric and filter what the code says', () => {
  expect(docs).toContain(filterTable())
  expect(docs).toContain(metricSections())
})

test('Every metric has a name of its own that a URL and a view can have, and words that end', () => {
  expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length)
  for (const { name, definition, denominator } of metrics) {
    expect(name).toMatch(/^[a-z][a-z0-9-]{2,40}$/)
    expect([definition.at(-1), denominator.at(-1)]).toEqual(['.', '.'])
  }
})

test('No metric divides what it counts by anything that is not its own grouping, and none takes a column of another', () => {
  const taken = ['period', 'people', 'numerator', 'denominator', 'rate', 'count', 'p25', 'p50', 'p90', ...Object.keys(dimensions)]
  for (const { name, groups, divides } of metrics) {
    for (const part of divides) expect([name, ...groups]).toContain(part)
    // Where the name is a dimension's, the metric groups by it itself, and a question need not.
    for (const group of groups) expect(taken.includes(group) && !['variant', 'provider'].includes(group)).toBe(false)
  }
})
