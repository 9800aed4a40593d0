import { afterAll, describe, test } from 'vitest'
import { hostileSockets } from './hostile-sockets-cases.ts'

describe('The listener', () => {
  const { tests, close } = hostileSockets({ many: process.env['PROVE'] ? 5_000 : 200, seed: Number(process.env['PROVE_SEED'] ?? 20_260_302) })
  afterAll(close)
  test.each(tests)('%s', (_, run) => run())
})
