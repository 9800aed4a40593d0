import { traceCases } from './traces-cases.ts'

type Test = { name: string; fn: () => Promise<void>; sanitizeOps: false; sanitizeResources: false }
declare const Deno: { test: { (test: Test): void; afterAll(run: () => Promise<void>): void } }

const { cases, close } = traceCases()
// An engine outlives the case that started it.
for (const [sentence, fn] of cases) Deno.test({ name: `traces: ${sentence}`, fn, sanitizeOps: false, sanitizeResources: false })
Deno.test.afterAll(close)
