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

/** Of vitest's JSON reporter, as much as is used here. */
type Report = {
  numPassedTests: number
  numPendingTests: number
  testResults: { name: string; status: string; message: string; assertionResults: { status: string; fullName: string; failureMessages: string[] }[] }[]
}

const folder = mkdtempSync(join(tmpdir(), 'keyledger-test-'))
const totals = { passed: 0, skipped: 0 }
/** Told once more at the end: where it happened may be thousands of lines above, or cut off. */
const failures: string[] = []
try {
  // What browsers run has types of its own.
  for (const project of ['tsconfig.json', 'tsconfig.browser.json']) {
    const types = await run(bin('tsc'), ['--noEmit', '--project', project])
    if (types.code !== 0) failures.push(`types: ${project}`)
  }

  // Beside Node, whose last files leave a core idle; it is shown when Node is done.
  const onDeno = chosen.length === 0 ? run(bin('deno'), ['test', '--allow-all', '--no-check', '--quiet'], { quiet: true }) : undefined
  const file = join(folder, 'node.json')
  const node = await run(process.execPath, [bin('vitest'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...chosen])
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report
  totals.passed += report.numPassedTests
  totals.skipped += report.numPendingTests
  const onNode = report.testResults.filter(({ status }) => status === 'failed').flatMap(({ name, message, assertionResults }) => {
    const failed = assertionResults.filter(({ status }) => status === 'failed')
    // A file that could not be loaded or prepared fails no test of its own.
    return failed.length === 0 ? [`${name}: ${message}`] : failed.map(({ fullName, failureMessages }) => `${name}: ${fullName}\n${failureMessages.join('\n')}`)
  })
  failures.push(...onNode)
  if (node.code !== 0 && onNode.length === 0) failures.push(`vitest ended with ${node.code}`)

  const deno = await onDeno
  if (deno) {
    process.stdout.write(deno.output)
    const plain = deno.output.replaceAll(/\u001b\[[\d;]*m/g, '')
    const passed = Number(/(\d+) passed[^|]*\| \d+ failed/.exec(plain)?.[1] ?? 0)
    totals.passed += passed
    const failed = Array.from(plain.matchAll(/^(.*) \.\.\. FAILED/gm), ([, name]) => `on Deno: ${name}`)
    failures.push(...failed)
    if (deno.code !== 0 && failed.length === 0) failures.push(`deno ended with ${deno.code}`)
    // A suite that ran nothing has shown nothing.
    if (passed === 0) failures.push('on Deno nothing has passed')
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (failures.length > 0) console.log(`\nFailed:\n${failures.join('\n')}\n`)
if (prove) console.log(`seed ${seed}`)
console.log(`${totals.passed} passed, ${failures.length} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`)
process.exitCode = failures.length > 0 ? 1 : 0
