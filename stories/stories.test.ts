import { afterAll, describe, test } from 'vitest'
import { logs, storiesOn } from './stories.ts'

describe.each(logs)('on %s', (log) => {
  const { stories, close } = storiesOn(log, { node: process.env['EVENTSTOREDB_URL'] })
  afterAll(close)
  test.each(stories)('%s', (_, run) => run())
})
