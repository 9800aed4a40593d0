/** The README's first login, as a newcomer pastes it. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from './config.ts'
import type { Carrier } from './delivery/delivery.ts'
import { startKeyledger } from './main.ts'

const blocks = [...readFileSync(new URL('README.md', import.meta.url), 'utf8').matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) => block)
const blockWith = (text: string): string => {
  const found = blocks.filter((block) => block.includes(text))
  expect(found, `one block of the README with ${text}`).toHaveLength(1)
  return found[0] as string
}

/** Pastes into a shell that stays open; resolves with what it printed so far once `until` was printed. */
function shell() {
  const child = spawn('bash', ['-s'], { stdio: ['pipe', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.on('data', (bytes: Buffer) => (printed += bytes.toString()))
  return {
    async paste(text: string): Promise<string> {
      const mark = `end-of-${Math.random()}`
      child.stdin.write(`${text}\necho ${mark}\n`)
      while (!printed.includes(mark)) await new Promise((resolve) => child.stdout.once('data', resolve))
      return printed
    },
    end: () => child.stdin.end(),
  }
}

test('pasting the README leads from an empty data folder to the tokens of a first login', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'readme-'))
  let code = ''
  const deliver: Carrier = async (message) => {
    code = message.code ?? ''
    return { delivered: true }
  }
  const keyledger = await startKeyledger(readConfig({ PORT: '0', KEYLEDGER_DATA: folder }), { deliver, patience: 20_000 })
  const terminal = shell()
  try {
    await keyledger.ready
    const here = (text: string): string => text.replaceAll('http://127.0.0.1:8787', keyledger.url)
    const added = await terminal.paste(`export KEYLEDGER_DATA=${folder}; ${blockWith('accounts add')}`)
    expect(added).toMatch(/[0-9a-f-]{36}/)
    const asked = await terminal.paste(here(blockWith('FLOW=')))
    expect(asked).toContain('"outcome":"due","channels":["email"],"channel":"email","delivery":"sent"')
    const done = await terminal.paste(here(blockWith('CODE=')).replace('CODE=000000', `CODE=${code}`))
    expect(done).toContain('"status":"completed"')
    expect(done).toMatch(/"accessToken":"[\w-]+\.[\w-]+\.[\w-]+"/)
  } finally {
    terminal.end()
    await keyledger.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
