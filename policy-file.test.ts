import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { checkPolicy, explainPolicy, showPolicy, simulatePolicy } from './cli/policy.ts'
import { readConfig } from './config.ts'
import type { OfferHistory } from './domain/policy/history.ts'
import { actions } from './domain/session/vocabulary.ts'
import { policyStream } from './engine/policies.ts'
import { Unavailable } from './eventlog/event-log.ts'
import { createHashGate } from './factors/hash-gate.ts'
import { createPasswords } from './factors/password.ts'
import { startKeyledger, type Keyledger } from './main.ts'
import { createPolicyFile } from './policy-file.ts'
import { until } from './projections/testing.ts'

const app = { id: 'shop', name: 'Northwind Shop', rpId: 'localhost' }
const password = 'correct horse battery staple'
const asManyAsCome = { caps: { inARow: null, perWeek: null }, pause: null }
const open = { version: 'open', append: asManyAsCome }
const closed = { version: 'closed', append: { ...asManyAsCome, killSwitch: { apps: ['shop'] } } }

let [folder, file] = ['', '']
let keyledger: Keyledger
const lines: string[] = []
const config = () => readConfig({ PORT: '0', KEYLEDGER_DATA: join(folder, 'data'), KEYLEDGER_CONFIG: file, LOG_LEVEL: 'info' })
const start = () =>
  startKeyledger(config(), {
    writeLog: (line) => void lines.push(line),
    policyEveryMs: 10,
    patience: 20_000,
    passwords: createPasswords({ gate: createHashGate({ atOnce: 2, queue: 256 }), argon2: { memoryCost: 256, timeCost: 1, parallelism: 1 } }),
  })
/** As an editor saves it: another file takes its place. */
const save = (content: unknown): void => {
  const draft = join(folder, 'draft')
  writeFileSync(draft, typeof content === 'string' ? content : JSON.stringify(content))
  renameSync(draft, file)
}
const setPolicy = (policy: object): void => save({ apps: [app], policy })
const inForce = (): string => keyledger.engine.settings().policy.version
const adopted = async (): Promise<unknown[]> => {
  const versions: unknown[] = []
  for await (const { data } of keyledger.log.read(policyStream)) versions.push(data['version'])
  return versions
}
const told = (what: string): Record<string, unknown>[] => lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => Object.values(line).includes(what))
const counted = async (outcome: string): Promise<number> => {
  const text = await (await fetch(`${keyledger.url}/metrics`)).text()
  return Number(new RegExp(`^keyledger_policy_changes_total{outcome="${outcome}"} (\\d+)`, 'm').exec(text)?.[1] ?? 0)
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'policy-'))
  file = join(folder, 'keyledger.json')
  setPolicy(open)
  keyledger = await start()
  await keyledger.ready
  await keyledger.engine.accounts.register({ source: 'added', identifiers: ['ada@example.com'], password: { plain: password } }, 'cli:test')
})
afterAll(async () => {
  await keyledger.close()
  rmSync(folder, { recursive: true })
})

/** A login as far as the offer. @returns the statuses of its requests, and what was decided */
async function login(): Promise<{ statuses: number[]; offered: boolean; session: string }> {
  const flowToken = randomBytes(32).toString('base64url')
  const post = async (path: string, body: object, token?: string) => {
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': randomBytes(16).toString('base64url'), ...(token && { Authorization: `Bearer ${token}` }) }
    const response = await fetch(`${keyledger.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: response.status, body: (await response.json()) as { session?: { id: string }; offer?: object | null } }
  }
  const flowChallenge = createHash('sha256').update(flowToken).digest('base64url')
  const begun = await post('/v1/sessions', { app: 'shop', installation: '1f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60', flowChallenge, supports: actions, identifier: 'ada@example.com', device: { platform: 'ios' } })
  const session = begun.body.session?.id ?? ''
  const answer = await post(`/v1/sessions/${session}/password`, { password }, flowToken)
  return { statuses: [begun.status, answer.status], offered: Boolean(answer.body.offer), session }
}

describe('While people sign in', () => {
  test('the policy is changed back and forth: decisions change, and no request fails', async () => {
    const rounds = process.env['PROVE'] ? 40 : 4
    const logins: (Awaited<ReturnType<typeof login>> & { between: string[] })[] = []
    let busy = true
    const walk = async (): Promise<void> => {
      while (busy) {
        const before = inForce()
        const done = await login()
        logins.push({ ...done, between: [before, inForce()] })
      }
    }
    const walkers = [walk(), walk(), walk()]
    for (let round = 0; round < rounds; round += 1) {
      const wanted = round % 2 === 0 ? closed : open
      const before = logins.length
      setPolicy(wanted)
      await until(() => inForce() === wanted.version)
      // Whoever begins now is decided on by it.
      await until(() => logins.length >= before + 12)
    }
    busy = false
    await Promise.all(walkers)
    expect(logins.flatMap(({ statuses }) => statuses).filter((status) => status !== 200 && status !== 201)).toEqual([])
    // Of those during which nothing changed it is known what was in force.
    for (const { offered, between } of logins) if (between[0] === between[1]) expect([offered, between[0]]).toEqual([between[0] === 'open', between[0]])
    expect(new Set(logins.map(({ offered }) => offered))).toEqual(new Set([true, false]))
    expect(await adopted()).toEqual(['open', ...Array.from({ length: rounds }, (_, round) => (round % 2 === 0 ? 'closed' : 'open'))])
    for (const { session, offered } of logins) {
      for await (const { type, data } of keyledger.log.read(`session-${session}`)) {
        if (type.startsWith('Append')) expect([type, data['policy'], data['reason']]).toEqual(offered ? ['AppendOffered', 'open', undefined] : ['AppendWithheld', 'closed', 'kill_switch'])
      }
    }
  })
})

describe('A policy that is wrong', () => {
  test.each<[string, unknown, string]>([
    ['with a word that there is not', { apps: [app], policy: { ...closed, append: { mode: 'loud' } } }, 'policy.append.mode'],
    ['in a file that is half written', '{"apps": [{"id": "sh', 'is not JSON'],
    ['with another content under the same version', { apps: [app], policy: { version: 'closed', append: { enabled: false } } }, 'raise it'],
    ['that stops an app which there is not', { apps: [app], policy: { ...closed, append: { killSwitch: { apps: ['shopp'] } } } }, 'there is no app shopp'],
  ])('is refused %s: the one before stays, the log says what is wrong, and it is counted', async (_, content, problem) => {
    const [refused, facts] = [await counted('refused'), await adopted()]
    save(content)
    await until(() => told('policy refused, the one before stays').some((line) => JSON.stringify(line).includes(problem)))
    expect([await counted('refused'), inForce(), await adopted()]).toEqual([refused + 1, 'open', facts])
    expect((await login()).offered).toBe(true)
  })

  test('is refused when the file is gone, and taken when it is back', async () => {
    rmSync(file)
    await until(() => told('policy refused, the one before stays').some((line) => JSON.stringify(line).includes('there is no file')))
    expect(inForce()).toBe('open')
    setPolicy(closed)
    await until(() => inForce() === 'closed')
  })
})

describe('What changes in the file besides the policy', () => {
  test('is not taken, and the log says that it takes a restart', async () => {
    save({ apps: [app, { ...app, id: 'bank' }], flowSeconds: 60, policy: open })
    await until(() => inForce() === 'open')
    const [{ level, sections } = {}] = told('the configuration file has changed, besides its policy: restart to take it')
    expect([level, sections]).toEqual(['warn', ['apps', 'flowSeconds']])
    expect(keyledger.engine.settings()).toMatchObject({ apps: [{ id: 'shop' }], flowSeconds: 900 })
  })
})

describe('From the terminal, beside the engine', () => {
  const said = async (work: () => Promise<number>): Promise<{ code: number; out: string; err: string }> => {
    const [out, err] = [vi.spyOn(console, 'log').mockImplementation(() => {}), vi.spyOn(console, 'error').mockImplementation(() => {})]
    try {
      const code = await work()
      return { code, out: out.mock.calls.flat().join('\n'), err: err.mock.calls.flat().join('\n') }
    } finally {
      out.mockRestore()
      err.mockRestore()
    }
  }
  const draft = (policy: object): string => {
    const path = join(folder, 'new.json')
    writeFileSync(path, JSON.stringify(policy))
    return path
  }

  test('the policy that was taken is shown, and another one is checked before it is', async () => {
    const { out } = await said(() => showPolicy(config()))
    expect((JSON.parse(out) as { version: string }).version).toBe(inForce())
    expect(await said(() => checkPolicy(config(), draft({ version: 'new' })))).toMatchObject({ code: 0, out: 'new may be taken' })
    expect(await said(() => checkPolicy(config(), draft({ policy: open })))).toMatchObject({ code: 0, out: 'open is what was taken last' })
    expect(await said(() => checkPolicy(config(), draft({ version: 'closed' })))).toMatchObject({ code: 2, err: expect.stringContaining('raise it') as unknown })
    await expect(checkPolicy(config(), draft({ append: { mode: 'loud' } }))).rejects.toThrow(/append\.mode/)
  })

  test('it is told why somebody would be asked now, from what was offered to them', async () => {
    const asked = { who: 'ada@example.com', platform: 'ios', entryPoint: 'post_login', device: {} } as const
    const offers = async () => (await keyledger.readModel.history((await keyledger.engine.accounts.find('ada@example.com'))?.id ?? '')) as OfferHistory
    const { offers: made } = await offers()
    expect(made).toBeGreaterThan(0)
    expect((await said(() => explainPolicy(config(), asked))).out).toMatch(new RegExp(`^Under policy open this person would be offered a passkey now, .*: offer number ${made + 1}\\.$`))
    expect((await said(() => explainPolicy(config(), { ...asked, device: { screenLock: false } }))).out).toContain('(device_not_able)')
    await expect(explainPolicy(config(), { ...asked, who: 'bob@example.com' })).rejects.toThrow('there is no such account')
    await expect(explainPolicy(config(), { ...asked, app: 'shopp' })).rejects.toThrow('there is no app shopp')
  })

  test('it is told what another policy would have made of the past', async () => {
    const all = await said(() => simulatePolicy(config(), { file: draft({ version: 'new', append: { enabled: false } }), since: undefined, assumes: 'declined', json: true }))
    const { decisions, then, under } = JSON.parse(all.out) as { decisions: number; then: Record<string, number>; under: Record<string, number> }
    expect(under).toEqual({ 'withheld switched_off': decisions })
    expect((then['offered manual'] ?? 0) + (then['withheld kill_switch'] ?? 0)).toBe(decisions)
    const { out } = await said(() => simulatePolicy(config(), { file: draft({ version: 'new' }), since: '2026-01-01', assumes: 'unanswered', json: false }))
    // Nobody answers, so nothing but the pause comes between.
    expect(out).toMatch(/^\d+ decisions, as they were made and as policy new would have made them\n +made +would be\noffered +\d+ +3\n  manual +\d+ +3\nwithheld +\d+ +\d+\n  kill_switch +\d+ +0\n  paused +0 +\d+(\n\d+ of the offers were not made then: each is taken to have been unanswered)?$/)
    await expect(simulatePolicy(config(), { file: draft({}), since: 'yesterday', assumes: 'declined', json: false })).rejects.toThrow('--since yesterday is no date')
  })
})

test('A start with another content under the same version goes on with what the log has', async () => {
  const facts = await adopted()
  setPolicy({ version: 'closed', append: { enabled: false } })
  await keyledger.close()
  keyledger = await start()
  expect([await adopted(), inForce(), keyledger.engine.settings().policy.append.enabled]).toEqual([facts, 'open', true])
  expect(told('policy refused, the one before stays').at(-1)).toMatchObject({ staying: 'open' })
})

/** A file that reads as these, one look after the other. @returns how often the policy was taken from it, the start not counted */
async function taken(looks: readonly string[], adopt: (time: number) => void = () => {}): Promise<number> {
  const [before, times, over] = [config(), { looked: 0, taken: -1 }, Promise.withResolvers<void>()]
  const watched = createPolicyFile({
    config: before,
    policies: {
      async adopt(policy) {
        adopt((times.taken += 1))
        return { outcome: 'adopted', policy }
      },
    },
    use: () => {},
    told: { taken() {}, refused() {}, restart() {} },
    onError: () => {},
    everyMs: 1,
    async read() {
      if (times.looked > looks.length) over.resolve()
      return looks[(times.looked += 1) - 1] ?? looks.at(-1)
    },
  })
  await watched.start()
  await over.promise
  await watched.stop()
  return times.taken
}

describe('A file that changes', () => {
  test('is taken once it was the same twice: what is half written is not', async () => {
    expect(await taken(['{', '{ "pol', 'other', 'other', 'other'])).toBe(1)
    expect(await taken([config().file.text ?? '', config().file.text ?? ''])).toBe(0)
  })

  test('is taken again as long as the log is away', async () => {
    const away = (time: number): void => {
      if (time === 1 || time === 2) throw new Unavailable('the log is away')
    }
    expect(await taken(['other', 'other', 'other', 'other', 'other', 'other'], away)).toBe(3)
  })
})

test('SIGHUP has the file read at once, changed or not', { timeout: 20_000 }, async () => {
  const environment = { ...process.env, PORT: '0', KEYLEDGER_DATA: join(folder, 'other'), KEYLEDGER_CONFIG: file, LOG_LEVEL: 'info' }
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'main.ts'], { cwd: import.meta.dirname, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()))
  try {
    await until(() => said.includes('Keyledger listens on'))
    child.kill('SIGHUP')
    await until(() => said.includes('policy unchanged'))
    expect(child.exitCode).toBeNull()
  } finally {
    child.kill('SIGKILL')
  }
})
