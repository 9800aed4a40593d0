/** The Kotlin client: held against `openapi.json`, compiled, and run against an engine on Node and on Deno. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { requestOf } from './actions.ts'
import { contractOf } from './testing-contract.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'mobile-contracts', 'kotlin')
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
const sorted = (words: Iterable<string>): string[] => [...words].toSorted()

describe('The Kotlin client does not drift from openapi.json', () => {
  const contract = contractOf()
  type Field = { name: string; type: string }

  const words = Object.fromEntries(
    [...read('Vocabulary.kt').matchAll(/value class (\w+)\(override val name: String\) : Word {\n([\s\S]*?)\n}/g)].map(([, name = '', inside = '']) => [
      name,
      [...inside.matchAll(/val (\w+) = (\w+)\("(\w+)"\)/g)].map(([, constant, type, word = '']) => (constant === word.toUpperCase() && type === name ? word : `${constant} is ${word}`)),
    ]),
  )
  const fieldsIn = (parameters: string): Field[] => [...parameters.replace(/\/\*\*.*\*\//g, '').matchAll(/(\w+): ([\w<>]+\??)/g)].map(([, name = '', type = '']) => ({ name, type }))
  const classes = [...`${read('Answers.kt')}${read('Requests.kt')}`.matchAll(/data class (\w+)\(\n([\s\S]*?)\n\) {\n([\s\S]*?)\n}/g)]
  const bodies = [...read('Requests.kt').matchAll(/internal fun (\w+Body)\(([\s\S]*?)\) =\s*body\(([\s\S]*?)\)\n(?:\n|$)/g)]
  const objects = new Map(
    [...classes.map(([, name = '', fields = '']) => [name, fields] as const), ...bodies.map(([, name = '', fields = '']) => [upper(name), fields] as const)].map(([name, fields]) => [name, fieldsIn(fields)]),
  )
  /** The platform reads them, and no code of the client. */
  const asTheyCome = ['RequestOptions', 'CreationOptions', 'object']
  const simple: Record<string, string> = { integer: 'Int', boolean: 'Boolean', string: 'String' }

  test('Every object has the fields of the contract, with their types, and no others', () => {
    const seenWords = new Map<string, string>()
    const seen = new Set<string>()
    const compare = (name: string, kotlin: string): void => {
      if (seen.has(kotlin)) return
      seen.add(kotlin)
      const fields = objects.get(kotlin) ?? []
      const expected = contract.objects[name]?.map((field) => {
        const mine = fields.find((one) => one.name === field.name)?.type ?? 'nothing'
        const [list, inner] = [field.type.endsWith('[]'), field.type.replace('[]', '')]
        const mineInner = mine.replace(/^List<(\w+)>/, '$1').replace('?', '')
        const isTime = inner === 'string' && field.name.endsWith('At')
        let type = simple[inner]
        if (isTime) type = 'Instant'
        else if (asTheyCome.includes(inner)) type = 'JsonObject'
        else if (field.name === 'supports') type = 'String'
        else if (!type) {
          // What has no name of its own in the document may be called anything here.
          type = inner.includes('.') ? mineInner : inner
          if (type in words) seenWords.set(type, inner)
          else compare(inner, type)
        }
        return { name: field.name, type: `${list ? `List<${type}>` : type}${field.optional && !(kotlin === 'SessionAnswer' && list) ? '?' : ''}` }
      })
      expect({ [kotlin]: fields }).toEqual({ [kotlin]: expected })
    }
    for (const name of [...contract.operations.flatMap(({ body, answers }) => [...(body ? [body] : []), ...answers]), 'Problem']) compare(name, name)
    expect(sorted(seen)).toEqual(sorted(objects.keys()))
    for (const [kotlin, list] of seenWords) expect({ [kotlin]: sorted(words[kotlin] ?? []) }).toEqual({ [kotlin]: sorted(contract.words[list] ?? (list === 'ProblemCode' ? contract.problemCodes : [])) })
    expect(sorted(seenWords.keys())).toEqual(sorted(Object.keys(words)))
  })

  test('Every field is read, or written, under its own name', () => {
    for (const [, name = '', fields = '', inside = ''] of classes) {
      const own = fieldsIn(fields).map((field) => field.name)
      const handled = [...inside.matchAll(/^ +(?:(\w+) = [^"\n]*"(\w+)"|"(\w+)" to (\w+))/gm)]
      expect({ [name]: handled.map(([, to, from, key, value]) => `${to ?? key}/${from ?? value}`) }).toEqual({ [name]: own.map((field) => `${field}/${field}`) })
    }
    for (const [, name = '', parameters = '', inside = ''] of bodies) {
      const written = [...inside.matchAll(/"(\w+)" to (\w+)/g)].map(([, key, value]) => `${key}/${value}`)
      expect({ [name]: written }).toEqual({ [name]: fieldsIn(parameters).map((field) => `${field.name}/${field.name}`) })
    }
  })

  test('Every operation for apps has a function, with its body and its answer, and there are no others', () => {
    const source = `${read('Keyledger.kt')}\n${read('Courier.kt')}`
    const steps = [...source.matchAll(/step\(Action\.(\w+)(?:, (\w+)\()?/g)].map(([, action = '', body]) => {
      const { method, path } = requestOf[action.toLowerCase() as keyof typeof requestOf]
      return `${method} /v1/sessions/{id}${path} ${body ? upper(body) : '-'}`
    })
    const direct = [...source.matchAll(/"(GET|POST|DELETE)", (?:Courier\.START|"(\/v1\/[^"]*)")(?:.*?(\w+Body)\()?/g)].map(([, method = '', path = '/v1/sessions', body]) => {
      const plain = path.replace(/\?.*/, '').replace(/\$(\{[^}]*\}|\w+)/g, '{id}')
      return `${method} ${plain} ${body ? upper(body) : plain === '/v1/sessions' ? 'StartBody' : plain.endsWith('/refresh') ? 'RefreshBody' : '-'}`
    })
    expect(sorted(new Set([...steps, ...direct]))).toEqual(sorted(contract.operations.map(({ method, path, body }) => `${method} ${path} ${body ?? '-'}`)))
    for (const [, path = '', answer = ''] of source.matchAll(/"(\/v1\/[^"]*)".*::(\w+)\)/g)) {
      const plain = path.replace(/\$(\{[^}]*\}|\w+)/g, '{id}')
      expect(contract.operations.filter((one) => one.path === plain).flatMap(({ answers }) => answers)).toContain(answer)
    }
    expect(sorted([...source.matchAll(/\?(\w+)=/g)].map(([, name = '']) => name))).toEqual(sorted(contract.operations.flatMap(({ query }) => query)))
  })

  test('The Android adapter writes out every exception that the engine knows', () => {
    const table = readFileSync(join(root, 'docs', 'device-reports.md'), 'utf8')
    const known = new Set([...table.matchAll(/`(\w+Exception)(?:\/(\w+))?`/g)].flatMap(([, name = '', dom]) => (dom ? [name, dom] : [name])))
    const written = new Set([...read('CredentialManagerPasskeys.kt').matchAll(/-> "(\w+(?:Exception|Error))/g)].map(([, name = '']) => name))
    expect([...known].filter((name) => !written.has(name))).toEqual([])
  })
})

function upper(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1)
}

const java = process.env['JAVA_HOME'] ? join(process.env['JAVA_HOME'], 'bin', 'java') : 'java'
const libraries = join(root, 'node_modules', 'kotlin-compiler', 'lib')
const jars = (...names: string[]): string => names.map((name) => join(libraries, `${name}.jar`)).join(delimiter)
const missing = spawnSync(java, ['-version']).error ? 'there is no Java' : existsSync(libraries) ? undefined : 'the npm package kotlin-compiler is not installed'

/** Once for each state of the sources: the jar is kept in the folder for temporary files. */
function compiled(): string {
  const sources = sorted(readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.kt') && !name.startsWith('CredentialManager')))
  const hash = createHash('sha256').update(readFileSync(join(libraries, '..', 'package.json')))
  for (const name of sources) hash.update(`\0${name}\0${read(name)}`)
  const jar = join(tmpdir(), `keyledger-kotlin-${hash.digest('hex')}.jar`)
  // The folder is everybody's: what somebody else put there is not run.
  if (existsSync(jar) && statSync(jar).uid === (process.getuid?.() ?? statSync(jar).uid)) return jar
  const made = join(tmpdir(), `keyledger-kotlin-${randomBytes(8).toString('hex')}.jar`)
  const compiler = jars('kotlin-compiler', 'kotlin-stdlib', 'kotlin-script-runtime', 'kotlin-reflect', 'kotlinx-coroutines-core-jvm', 'annotations-13.0')
  const options = ['-no-stdlib', '-no-reflect', '-classpath', jars('kotlin-stdlib'), '-Werror', '-d', made]
  const { status, stderr } = spawnSync(java, ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-cp', compiler, 'org.jetbrains.kotlin.cli.jvm.K2JVMCompiler', ...options, ...sources], { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(`the Kotlin client does not compile:\n${stderr}`)
  renameSync(made, jar)
  return jar
}

const title = missing ? `The Kotlin client, compiled (skipped: ${missing})` : 'The Kotlin client, compiled'
describe.skipIf(missing !== undefined)(title, () => {
  let jar = ''
  beforeAll(() => void (jar = compiled()), 120_000)

  // Java writes in the encoding of the terminal, which may have none; the last of these names is that of newer versions.
  const utf8 = ['-Dfile.encoding=UTF-8', '-Dsun.stdout.encoding=UTF-8', '-Dstdout.encoding=UTF-8']
  const start = (args: string[], environment: Record<string, string> = {}): ChildProcess =>
    spawn(java, ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', ...utf8, '-cp', [jar, jars('kotlin-stdlib')].join(delimiter), 'keyledger.demo.MainKt', ...args], {
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    })

  test('Its JSON reader takes what is JSON and refuses what is not', async () => {
    const good: [text: string, written: string][] = [
      ['{}', '{}'],
      [' [ ] ', '[]'],
      ['{"a":[1,-2,0,true,false,null,"x"]}', '{"a":[1,-2,0,true,false,null,"x"]}'],
      ['"\\u00e4\\n\\"\\\\\\/\\t"', '"ä\\u000a\\"\\\\/\\u0009"'],
      ['"\\ud83d\\udd11"', '"\\ud83d\\udd11"'],
      ['9007199254740993', '9007199254740993'],
      ['[1.5,-0.25]', '[1.5,-0.25]'],
      ['2e2', '200.0'],
      ['{"":{"b":{}}}', '{"":{"b":{}}}'],
      [`${'['.repeat(30)}${']'.repeat(30)}`, `${'['.repeat(30)}${']'.repeat(30)}`],
    ]
    const bad = [
      '', ' ', '{', '}', '[1,]', '{"a":1,}', '{"a"}', '{a:1}', "{'a':1}", '01', '-', '+1', '.5', '1.', '1e', 'NaN', 'Infinity', 'nul', 'truex', '[1 2]', '"a', '"\t"',
      '"\\x"', '"\\u12"', '"\\u00g0"', '{} {}', '// no\n1', '{"a":1,"a":2}', '1e999', '99999999999999999999', '\ufeff{}', '\u00a01', `${'['.repeat(40)}${']'.repeat(40)}`, '['.repeat(100_000),
    ]
    const reader = start(['selftest'])
    reader.stdin!.end([...good.map(([text]) => text), ...bad].map((text) => `${JSON.stringify(text).replace(/[\u0080-\uffff]/g, escaped)}\n`).join(''))
    const answers: string[] = []
    for await (const line of createInterface({ input: reader.stdout! })) answers.push(line)
    expect(answers.slice(0, good.length)).toEqual(good.map(([, written]) => written))
    expect(bad.filter((_, index) => answers[good.length + index] !== 'refused')).toEqual([])
  })

  describe.each([
    ['Node', [process.execPath, '--disable-warning=ExperimentalWarning']],
    ['Deno', [join(root, 'node_modules', '.bin', 'deno'), 'run', '-A', '--no-check', '--config', join(root, 'deno.json')]],
  ])('against an engine on %s', (_, command) => {
    const fingerprint = createHash('sha256').update('the signing certificate').digest('base64url')
    let temporary = ''
    let environment = { PORT: '0', KEYLEDGER_DATA: '', KEYLEDGER_CONFIG: '' }
    /** As the engine prints them, each until it is used. */
    const codes: string[] = []
    const proxies: Server[] = []
    /** Path, key and body of every request that came through one of them. */
    const asked: string[] = []
    let engine: ChildProcess
    let url = ''

    beforeAll(async () => {
      temporary = mkdtempSync(join(tmpdir(), 'kotlin-'))
      environment = { ...environment, KEYLEDGER_DATA: join(temporary, 'data'), KEYLEDGER_CONFIG: join(temporary, 'keyledger.json') }
      const shop = { id: 'shop', name: 'Northwind Shop', rpId: 'shop.example', android: [{ package: 'example.shop', fingerprints: [fingerprint] }] }
      writeFileSync(environment.KEYLEDGER_CONFIG, JSON.stringify({ issuer: 'https://login.shop.example', apps: [shop] }))
      for (const email of ['ada', 'bob', 'cyd', 'dan', 'eve', 'fay'].map(emailOf)) {
        const { status, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', 'cli.ts', 'accounts', 'add', email, '--password', password], { cwd: root, env: { ...process.env, ...environment }, encoding: 'utf8' })
        if (status !== 0) throw new Error(stderr)
      }
      const program = join(temporary, 'engine.mjs')
      writeFileSync(program, engineProgram)
      const [runtime = '', ...options] = command as string[]
      engine = spawn(runtime, [...options, program], { cwd: root, env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'inherit'] })
      const { promise, resolve } = Promise.withResolvers<string>()
      createInterface({ input: engine.stdout! }).on('line', (line) => {
        const code = /the code is (\d+)/.exec(line)?.[1]
        if (code) codes.push(code)
        const found = /listens on (\S+)/.exec(line)?.[1]
        if (found) resolve(found)
      })
      url = await promise
    })
    afterAll(async () => {
      for (const proxy of proxies) proxy.close()
      await stop()
      rmSync(temporary, { recursive: true })
    })
    async function stop(): Promise<void> {
      if (engine.exitCode !== null || engine.signalCode !== null) return
      const gone = new Promise((resolve) => engine.once('exit', resolve))
      engine.kill()
      await gone
    }

    /** What the client says in one run. It is given the code when it asks for one. */
    async function run(mode: string, name: string, at = url): Promise<string[]> {
      const phone = join(temporary, name)
      mkdirSync(phone, { recursive: true })
      const app = start([mode, at, phone, emailOf(name), password], { KEYLEDGER_ORIGIN: `android:apk-key-hash:${fingerprint}` })
      const said: string[] = []
      for await (const line of createInterface({ input: app.stdout! })) {
        said.push(line)
        if (!line.startsWith('code:')) continue
        while (codes.length === 0) await sleep(10)
        app.stdin!.write(`${codes.shift()}\n`)
      }
      return said
    }

    /** Java itself sends a request once more when the connection breaks, so an answer is lost twice before the client hears of it. */
    async function proxy(handle: (attempt: number, path: string) => 'pass' | 'lose the answer' | 'refuse', change = (text: string, _path: string): string => text): Promise<string> {
      const attempts = new Map<string, number>()
      const server = createServer(async (request, response) => {
        const chunks: Buffer[] = []
        for await (const chunk of request) chunks.push(chunk as Buffer)
        const path = request.url ?? ''
        const question = `${request.method} ${path} ${String(request.headers['idempotency-key'])} ${Buffer.concat(chunks)}`
        asked.push(question)
        const attempt = (attempts.get(question) ?? 0) + 1
        attempts.set(question, attempt)
        const what = handle(attempt, path)
        if (what === 'refuse') return void response.writeHead(503, { 'Retry-After': '0' }).end('<html>Down for a moment</html>')
        const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers as Record<string, string>
        const answer = await fetch(`${url}${path}`, { method: request.method ?? 'GET', headers, ...(chunks.length > 0 && { body: Buffer.concat(chunks) }) })
        const text = await answer.text()
        if (what === 'lose the answer') return void request.socket.destroy()
        response.writeHead(answer.status, { 'Content-Type': answer.headers.get('content-type') ?? '' }).end(change(text, path))
      })
      proxies.push(server)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    }

    test('a first login creates a passkey, and the next one needs nothing but it', async () => {
      expect(await run('append', 'ada')).toEqual(['password: -', 'offer: CREATE', 'code: -', 'biometrics: on', 'login: signed in'])
      expect(await run('passkey', 'ada')).toEqual(['login: signed in', 'signals: accepted 1, accepted 1'])
      expect(await run('settings', 'ada')).toEqual([
        'refreshed: 1 new, none is old', 'renamed: My phone', 'contacts: 1', 'left: 0', 'offer: offered', 'signedIn: false',
      ])
    })

    test('a person who declines gives the code and signs in', async () => {
      expect(await run('skip', 'bob')).toEqual(['password: -', 'offer: NOT_NOW', 'code: -', 'biometrics: on', 'login: signed in'])
    })

    test('answers that get lost and an engine that is away cost time, and nothing is done twice', async () => {
      const flaky = await proxy((attempt) => (attempt <= 2 ? 'lose the answer' : attempt === 3 ? 'refuse' : 'pass'))
      expect(await run('skip', 'cyd', flaky)).toEqual(['password: -', 'offer: NOT_NOW', 'code: -', 'biometrics: on', 'login: signed in'])
    })

    test('an app that was killed in the middle sends the very same request again, and goes on', async () => {
      const deaf = await proxy((_, path) => (path.endsWith('/password') ? 'lose the answer' : 'pass'))
      expect(await run('interrupted', 'dan', deaf)).toEqual(['password: -', 'interrupted: No answer yet'])
      const before = asked.length
      // The password is not asked for again.
      expect(await run('resume', 'dan', await proxy(() => 'pass'))).toEqual(['offer: CREATE', 'code: -', 'biometrics: on', 'login: signed in'])
      expect(asked[before]).toBe(asked[before - 1])
    })

    test('what a later release answers is tolerated, until it demands a step that the app does not know', async () => {
      const later = await proxy(() => 'pass', (text) => {
        const body = JSON.parse(text)
        const unknown = { action: 'face', method: 'PATCH', href: '/v1/face', needs: ['face'], likes: 1 }
        return JSON.stringify({ ...body, later: [{ a: null }], next: [unknown, ...body.next], ...(body.offer && { offer: { ...body.offer, reason: 'later', mode: 'later' } }) })
      })
      expect(await run('skip', 'eve', later)).toEqual(['password: -', 'offer: NOT_NOW', 'code: -', 'biometrics: on', 'login: signed in'])
      const demanding = await proxy(() => 'pass', (text, path) => {
        const body = JSON.parse(text)
        const unknown = { action: 'face', method: 'POST', href: '/v1/face', needs: ['face'] }
        return path.endsWith('/password') ? JSON.stringify({ ...body, session: { ...body.session, step: 'face' }, next: [unknown] }) : text
      })
      expect(await run('skip', 'fay', demanding)).toEqual(['password: -', 'login: upgrade required'])
    })

    test('the log has each event once, whatever the network did', async () => {
      await stop()
      const log = openSqliteLog({ file: join(environment.KEYLEDGER_DATA, 'events.sqlite') })
      const sessions = new Map<string, string[]>()
      for await (const { stream, type } of log.readAll({ prefixes: ['session-'] })) sessions.set(stream, [...(sessions.get(stream) ?? []), type])
      await log.close()
      const [first, second, settings, declined, flaky, killed] = [...sessions.values()]
      const created = ['IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendStarted', 'PasskeyAppended', ...afterOffer]
      expect(first).toEqual(created)
      expect(second).toEqual(['UsernamelessLoginStarted', 'PasskeyRequested', 'PasskeyVerified', 'AppendWithheld', 'PinSkipped', 'SessionCompleted'])
      expect(settings).toEqual(expect.arrayContaining(['AppendOffered']))
      expect(declined).toEqual(['IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendSkipped', ...afterOffer])
      expect(flaky).toEqual(declined)
      expect(killed).toEqual(created)
    })
  })
})

/** As `main.ts` starts it. A machine that is busy with other tests may be slow, and the offer is to be made all the same. */
const engineProgram = `
  const { readConfig } = await import(${JSON.stringify(new URL('../config.ts', import.meta.url).href)})
  const { startKeyledger } = await import(${JSON.stringify(new URL('../main.ts', import.meta.url).href)})
  const { ready, url, close } = await startKeyledger(readConfig(process.env), { patience: 20_000 })
  process.on('SIGTERM', () => close().then(() => process.exit(0)))
  await ready
  console.log('Keyledger listens on ' + url)`

const afterOffer = ['OtpIssued', 'OtpSent', 'OtpVerified', 'PinSkipped', 'BiometricToggled', 'SessionCompleted']

const password = 'correct horse battery staple'
const emailOf = (name: string): string => `${name}@example.com`
const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
