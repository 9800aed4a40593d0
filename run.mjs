// Runs a program of this package with the pinned runtime, after installing what is missing. Plain JavaScript: this much must run on Node 20.
//   node run.mjs [--dev] FILE [ARGUMENTS]      --dev: what only tests and demos need is installed too
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(fileURLToPath(import.meta.url))
const [first, ...rest] = process.argv.slice(2)
const args = first === '--dev' ? rest : [first, ...rest]

// What was installed, and for which lock file, stands in node_modules itself, so it goes with it.
const marker = join(root, 'node_modules', '.keyledger')
const lock = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex')
const wanted = (kind) => `${kind} ${lock}`
const installed = existsSync(marker) ? readFileSync(marker, 'utf8') : ''
// What is there for tests stays: it may be in use.
const dev = first === '--dev' || installed.startsWith('all') || existsSync(join(root, 'node_modules', 'vitest'))
const complete = installed === wanted('all') || (!dev && installed === wanted('production'))
if (!complete) install()

const bin = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
// V8 takes what a large machine has: the room for new objects grows with its memory, and the heap to four times what is alive. Both bounded, the engine
// has a third less and is as fast; a command has more room, which makes a rebuild a tenth faster (docs/performance.md). MB.
const room = args[0] === 'cli.ts' ? 64 : 16
const flags = ['--disable-warning=ExperimentalWarning', `--max-semi-space-size=${room}`, '--heap-growing-percent=100']
// Compiled once, not at every start: a command of the terminal then takes half the time.
const env = { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled'), ...process.env }
const child = spawn(bin, [...flags, ...args], { stdio: 'inherit', cwd: root, env })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))

function install() {
  console.error('Installing what is missing ...')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  // `install`, not `ci`: with modules there an engine may be running on them, so what is in use is left alone. The lock file holds for both.
  const flags = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', ...(dev ? ['--include=dev'] : ['--omit=dev'])]
  const { status } = spawnSync(npm, flags, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], shell: process.platform === 'win32' })
  if (status !== 0) process.exit(status ?? 1)
  writeFileSync(marker, wanted(dev ? 'all' : 'production'))
}
