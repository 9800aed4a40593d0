import { expect, test } from 'vitest'
import { Because } from './because.ts'

const wrong = (who: string, why: string): string[] => Because.safeParse({ who, why }).error?.issues.map(({ path }) => path.join('.')) ?? []

test('Who acts and why are taken as they were said, without the space around them', () => {
  expect(Because.parse({ who: ' jo@acme.example ', why: ' Ticket 4711: asked to be forgotten (GDPR, art. 17) ' })).toEqual({
    who: 'jo@acme.example',
    why: 'Ticket 4711: asked to be forgotten (GDPR, art. 17)',
  })
})

test.each([
  ['nobody', ' ', 'Ticket 4711', 'who'],
  ['somebody of several lines', 'jo\nann', 'Ticket 4711', 'who'],
  ['a name without end', 'x'.repeat(256), 'Ticket 4711', 'who'],
  ['no reason', 'jo', ' - ', 'why'],
  ['a reason of several lines', 'jo', 'Ticket\u0000 4711', 'why'],
  ['a reason without end', 'jo', 'x'.repeat(513), 'why'],
  ['a reason that names an address', 'jo', 'ada@example.com has asked for it', 'why'],
  ['a reason that names a number', 'jo', 'the person with +43 660 1234567', 'why'],
])('%s is no statement for the record', (_, who, why, field) => {
  expect(wrong(who, why)).toEqual([field])
})
