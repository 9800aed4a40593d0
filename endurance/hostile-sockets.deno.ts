import { hostileSockets } from './hostile-sockets-cases.ts'

type DenoTest = { name: string; fn: () => Promise<void>; sanitizeOps: false; sanitizeResources: false }
declare const Deno: { test: { (test: DenoTest): void; afterAll(run: () => Promise<void>): void } }

const { tests, close } = hostileSockets({ many: 200, seed: 20_260_302 })
for (const [sentence, run] of tests) Deno.test({ name: sentence, fn: run, sanitizeOps: false, sanitizeResources: false })
Deno.test.afterAll(close)
