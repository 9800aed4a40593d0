import { embeddedCases } from './embedded-cases.ts'

declare const Deno: { test(name: string, run: () => Promise<void>): void }

for (const [sentence, run] of embeddedCases) Deno.test(sentence, run)
