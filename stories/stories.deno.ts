import { logs, storiesOn } from './stories.ts'

type Test = { name: string; fn: () => Promise<void>; sanitizeOps: false; sanitizeResources: false }
declare const Deno: { test: { (test: Test): void; afterAll(run: () => Promise<void>): void } }

// The client of EventStoreDB runs here in its contract, too: the stories of both take a minute more.
const chosen = process.env['PROVE'] || process.env['EVENTSTOREDB_URL'] ? logs : logs.slice(0, 1)

for (const log of chosen) {
  const { stories, close } = storiesOn(log, { node: process.env['EVENTSTOREDB_URL'] })
  // An engine outlives the story that started it.
  for (const [sentence, fn] of stories) Deno.test({ name: `on ${log}: ${sentence}`, fn, sanitizeOps: false, sanitizeResources: false })
  Deno.test.afterAll(close)
}
