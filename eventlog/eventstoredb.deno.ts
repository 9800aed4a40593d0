import { contract } from './contract.ts'
import { openEventStoreDb } from './eventstoredb.ts'
import { startStandIn } from './stand-in/start.ts'

type DenoTest = { name: string; fn: () => Promise<void>; sanitizeOps: false; sanitizeResources: false }
declare const Deno: { test: { (test: DenoTest): void; afterAll(run: () => Promise<void>): void } }

const standIn = await startStandIn()
Deno.test.afterAll(() => standIn.stop())

for (const [sentence, run] of contract({ open: async () => openEventStoreDb({ url: standIn.url, timeoutMs: 2_000 }), faults: standIn })) {
  // The client keeps its connection to the node for the next one who opens a log there.
  Deno.test({ name: `EventStoreDB: ${sentence}`, fn: run, sanitizeOps: false, sanitizeResources: false })
}
