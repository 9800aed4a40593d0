/**
 * `npm test`: types, then everything on Node, and beside it what must run on Deno too. `--prove`: the same with large sizes and fresh seeds, which are printed.
 * Names or paths after it choose among the tests on Node.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const prove = process.argv.includes('--prove')
const chosen = process.argv.slice(2).filter((argument) => argument !== '--prove')
const bin = (name: string): string => join(import.meta.dirname, '..', 'node_modules', '.bin', name)
const seed = Math.floor(Math.random() * 2 ** 31)
const environment = { ...process.env, ...(prove ? { PROVE: 'true', PROVE_SEED: String(seed) } : {}) }

/** Runs to its end; its output comes back as text, and goes to the terminal meanwhile unless it is `quiet`. */
function run(command: string, args: string[], { quiet = false } = {}): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: environment, stdio: ['ignore', 'pipe', quiet ? 'pipe' : 'inherit'] })
    let output = ''
    const take = (bytes: Buffer): void => {
      if (!quiet) process.stdout.write(bytes)
      output += bytes.toString()
    }
    child.stdout?.on('data', take)
    child.stderr?.on('data', take)
    child.on('error', reject)
    child.on('exit', (code) => resolve({ code: code ?? 1, output }))
  })
}

const folder = mkdtempSync(join(tmpdir(), 'keyledger-test-'))
const totals = { passed: 0, failed: 0, skipped: 0 }
try {
  // What browsers run has types of its own.
  for (const project of ['tsconfig.json', 'tsconfig.browser.json']) {
    const types = await run(bin('tsc'), ['--noEmit', '--project', project])
    if (types.code !== 0) totals.failed += 1
  }

  // Beside Node, whose last files leave a core idle; it is shown when Node is done.
  const onDeno = chosen.length === 0 ? run(bin('deno'), ['test', '--allow-all', '--no-check', '--quiet'], { quiet: true }) : undefined
  const report = join(folder, 'node.json')
  const node = await run(process.execPath, [bin('vitest'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...chosen])
  const results = JSON.parse(readFileSync(report, 'utf8')) as { numPassedTests: number; numFailedTests: number; numPendingTests: number }
  totals.passed += results.numPassedTests
  totals.failed += results.numFailedTests
  totals.skipped += results.numPendingTests
  // A file that could not even be loaded fails no test of its own.
  if (node.code !== 0 && results.numFailedTests === 0) totals.failed += 1

  const deno = await onDeno
  if (deno) {
    process.stdout.write(deno.output)
    const [, passed = '0', failed = '0'] = /(\d+) passed[^|]*\| (\d+) failed/.exec(deno.output.replaceAll(/\u001b\[[\d;]*m/g, '')) ?? []
    totals.passed += Number(passed)
    totals.failed += Number(failed)
    if (deno.code !== 0 && failed === '0') totals.failed += 1
    // A suite that ran nothing has shown nothing.
    if (passed === '0') totals.failed += 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (prove) console.log(`seed ${seed}`)
console.log(`${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`)
process.exitCode = totals.failed > 0 ? 1 : 0
