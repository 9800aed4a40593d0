import { execFileSync, spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { requestOf } from './actions.ts'
import { contractOf } from './testing-contract.ts'
import { codeOf, functionsIn, swiftFiles, typesIn, unbalanced } from './testing-swift.ts'

const contract = contractOf()
const files = swiftFiles()
const library = files.filter(({ name }) => name.startsWith('Sources/Keyledger/'))
const types = Object.assign({}, ...library.map(typesIn)) as ReturnType<typeof typesIn>
const functions = library.flatMap(functionsIn)
const begin = functions.find(({ name }) => name === 'begin')
const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const sorted = (words: Iterable<string>): string[] => [...words].toSorted()

describe('the Swift client has what openapi.json has, and nothing else', () => {
  /** Each method that sends a request, with the request that its comment names and the one that its code makes. */
  const senders = functions.flatMap(({ documented, signature, body }) => {
    const [, method = '', path = ''] = /^(GET|POST|DELETE) (\/v1[^?]*)/.exec(documented ?? '') ?? []
    const text = body.includes('begin(') ? `${body}${begin?.body}` : body
    return path === '' ? [] : [{ named: `${method} ${path}`, method, path, signature, text }]
  })

  /** By a step's action, or by the path that is written out. */
  const madeBy = (text: string): string => {
    const action = /step\(\.(\w+)/.exec(text)?.[1]
    if (action) {
      const { method, path } = requestOf[snake(action) as keyof typeof requestOf]
      return `${method} /v1/sessions/{id}${path}`
    }
    const method = /keyed\("(\w+)"/.exec(text)?.[1]
    const below = /path\((?:\w+ \? )?"([^"]*)"/.exec(text)?.[1]
    const written = below === undefined ? /"(\/v1[^"]*)"/.exec(text)?.[1] : `/v1/sessions/{id}${below}`
    return `${method} ${text.includes('PendingRequest.start') ? '/v1/sessions' : written?.replace(/\\\([^)]*\)/, '{id}').replace(/\?.*/, '')}`
  }

  it('sends every request of an app', () => {
    expect(sorted(new Set(senders.map(({ named }) => named)))).toEqual(sorted(contract.operations.map(({ method, path }) => `${method} ${path}`)))
  })

  it.each(senders)('sends $named as its comment says, with its body, its key and its query', ({ named, method, path, signature, text }) => {
    const operation = contract.operations.find((one) => one.method === method && one.path === path)
    expect(madeBy(text)).toBe(named)
    expect(sorted(new Set([...text.matchAll(/(\w+Body)\(/g)].map(([, body = '']) => body)))).toEqual(operation?.body ? [operation.body] : [])
    expect(/\bkeyed\(|\bstep\(/.test(text)).toBe(operation?.keyed)
    for (const asked of text.matchAll(/[?&](\w+)=/g)) expect(operation?.query).toContain(asked[1])
    for (const name of operation?.answers.slice(0, 1) ?? []) expect(`${signature}${text}`).toMatch(new RegExp(`\\b(${operation?.answers.join('|') ?? name})\\b`))
  })

  it('knows every field of what is sent and answered, and whether it may be missing', () => {
    const seen = new Set<string>()
    const swiftOf = (type: string, given: string): string => {
      if (type.endsWith('[]')) return `[${swiftOf(type.slice(0, -2), given.replace(/^\[(.*)\]$/, '$1'))}]`
      if (type === 'string') return ['Moment', 'Action'].includes(given) ? given : 'String'
      if (type === 'integer') return 'Int'
      if (type === 'boolean') return 'Bool'
      if (type === 'object') return given.endsWith('Credential') ? given : 'a credential'
      if (type === 'ProblemCode') return type
      // What has no name in the document has one in Swift.
      const name = type.includes('.') ? given : type
      seen.add(name)
      if (contract.words[type]) expect(types[name]?.words, name).toEqual(contract.words[type])
      else compare(type, name)
      return name
    }
    const compare = (type: string, name: string) => {
      seen.add(name)
      const fields = types[name]?.fields ?? {}
      const expected = contract.objects[type]?.map((field) => {
        const given = (fields[field.name] ?? '').replace(/\?$/, '')
        return [field.name, `${swiftOf(field.type, given)}${field.optional ? '?' : ''}`]
      })
      expect(fields, name).toEqual(Object.fromEntries(expected ?? []))
    }
    for (const name of Object.keys(contract.objects).filter((one) => !one.includes('.'))) compare(name, name)

    const wire = Object.entries(types).filter(([name, { file }]) => /(Vocabulary|Requests|Answers)\.swift$/.test(file) && name !== 'Moment')
    expect(sorted(wire.map(([name]) => name))).toEqual(sorted(seen))
  })

  it('knows every code of a problem that an app may be answered', () => {
    expect(sorted(types['ProblemCode']?.words ?? [])).toEqual(contract.problemCodes)
  })

  it('says at the start that it can take every step of a login', () => {
    const list = /allSteps: \[Action\] = \[([^\]]*)\]/.exec(library.map(({ text }) => text).join(''))?.[1] ?? ''
    const steps = [...list.matchAll(/\.(\w+)/g)].map(([, name = '']) => snake(name))
    expect(steps).toEqual(Object.keys(requestOf).slice(0, steps.length))
    expect(steps.at(-1)).toBe('biometrics_skip')
  })
})

describe('the Swift sources, as far as they can be read without a compiler', () => {
  it.each(files)('$name closes what it opens, and has no tab', ({ text }) => {
    expect(unbalanced(text)).toEqual([])
    expect(text).not.toMatch(/\t/)
  })

  it('tells code from strings and comments', () => {
    expect(codeOf('let a = "\\(b("{"))(" // }\n')).toBe('let a =   (b(   ))       \n')
    expect(unbalanced('func a() { "}" // }')).toEqual(['{ in line 1'])
  })

  const compiler = spawnSync('swift', ['--version']).status === 0
  it.skipIf(!compiler)('compile, and the self-test is good', { timeout: 600_000 }, () => {
    const cwd = new URL('./swift/', import.meta.url)
    expect(execFileSync('swift', ['run', 'keyledger-login', 'selftest'], { cwd, encoding: 'utf8' })).toContain('selftest: good')
  })
})
