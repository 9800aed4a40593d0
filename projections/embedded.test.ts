import { describe, test } from 'vitest'
import { embeddedCases } from './embedded-cases.ts'

describe('embedded Postgres', () => {
  test.each(embeddedCases)('%s', (_, run) => run())
})
