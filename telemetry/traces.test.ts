import { afterAll, test } from 'vitest'
import { traceCases } from './traces-cases.ts'

const { cases, close } = traceCases()
afterAll(close)
test.each(cases)('%s', (_, run) => run())
