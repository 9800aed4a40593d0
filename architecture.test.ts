/** Imports point one way: what a folder may import stands in the table, and nothing else may stand in its files. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

type Rule = {
  /** Other folders of this repository, or single files of them. */
  imports: string[]
  /** Packages. Left out: any. */
  packages?: string[]
  /** Packages that it must not import. */
  never?: RegExp
}

const anything = ['domain', 'access', 'eventlog', 'vault', 'factors', 'delivery', 'engine', 'reactions', 'projections', 'audit', 'replay', 'feeds', 'http', 'console', 'telemetry', 'mobile-contracts']
const storeClients = /^(postgres|@electric-sql\/.*|@eventstore\/.*|@kurrent\/.*|@grpc\/.*|node:sqlite)$/

const rules: Record<string, Rule> = {
  domain: { imports: [], packages: ['zod'] },
  'mobile-contracts': { imports: ['domain/session/vocabulary.ts'], packages: ['zod'] },
  // Who may look from within the company. It knows nothing of what there is to see.
  access: { imports: ['domain'] },
  eventlog: { imports: ['domain'] },
  factors: { imports: ['domain'] },
  delivery: { imports: ['domain'] },
  vault: { imports: ['domain', 'eventlog', 'factors', 'delivery'] },
  engine: { imports: ['domain', 'eventlog', 'factors', 'delivery', 'vault', 'audit'] },
  projections: { imports: ['domain', 'eventlog', 'audit'] },
  reactions: { imports: ['domain', 'eventlog', 'engine'] },
  audit: { imports: ['domain', 'eventlog'] },
  // Reading alone: what an auditor is shown of the log. It opens nothing and changes nothing.
  replay: { imports: ['domain', 'eventlog'] },
  http: { imports: ['domain', 'access', 'engine', 'projections', 'audit', 'replay', 'mobile-contracts'], never: storeClients },
  console: { imports: ['domain', 'access', 'engine', 'projections', 'audit', 'replay', 'mobile-contracts', 'http/palette.ts'], never: storeClients },
  // Our events as others want them.
  feeds: { imports: ['domain', 'eventlog', 'replay'] },
  // It stands before these parts and looks like them. Nothing but the composition root knows of it.
  telemetry: { imports: ['domain', 'eventlog/event-log.ts', 'factors/hash-gate.ts', 'delivery/delivery.ts'], packages: ['@opentelemetry/api', 'prom-client'] },
  // The composition root, the command line and what is beside them: they put the house together.
  '': { imports: [...anything, 'cli'] },
  cli: { imports: [...anything, '', 'stories'] },
  // A year that nobody lived: it decides by the domain, writes as an engine writes, and no engine knows of it.
  synthetic: { imports: ['domain', 'eventlog', 'vault', 'engine/contacts.ts', 'engine/people.ts', 'engine/policies.ts', 'engine/step.ts', 'engine/tokens.ts'] },
  bench: { imports: [...anything, '', 'stories', 'synthetic', 'demo/adoption.ts'] },
  demo: { imports: [...anything, '', 'cli/progress.ts', 'synthetic'] },
  scripts: { imports: [...anything, ''] },
  stories: { imports: [...anything, ''] },
  endurance: { imports: [...anything, '', 'stories'] },
}

/** What only tests run may import whatever it needs: tests, their helpers and lists of cases, contract suites, servers that stand in for others. */
const forTests = /\.(test|deno)\.ts$|^domain\/session\/given\.ts$|(\/testing(-[\w-]+)?|-cases)\.ts$|^eventlog\/(contract\.ts$|contract\/|stand-in\/)/
/** Never part of a running engine. */
const besideIt = /^(stories|endurance|bench|demo|scripts)\/|^vitest\.config\.ts$/
const readsEnvironment = /\b(process|Deno)\s*(\.|\[')\s*env\b|\bfrom 'node:process'/
const mayReadEnvironment = /^(config\.ts$|vitest\.config\.ts$|scripts\/|bench\/)/

type Source = { path: string; folder: string; text: string; imports: string[] }

const root = import.meta.dirname
const folderOf = (path: string): string => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '')

/** Every import of a file: a path from the root for one of ours, the package's name for another's. */
function importsOf(path: string, text: string): string[] {
  const statements = text.matchAll(/^\s*(?:import|export)\s[^'"`;]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\(\s*'([^']+)'/gm)
  return [...statements].map(([, from, bare, dynamic]) => {
    const specifier = from ?? bare ?? dynamic ?? ''
    if (specifier.startsWith('.')) return relative(root, resolve(root, dirname(path), specifier))
    return specifier.startsWith('node:') ? specifier : specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
  })
}

const sources: Source[] = readdirSync(root, { withFileTypes: true, recursive: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)))
  .filter((path) => !/(^|\/)(node_modules|data|\.git)\//.test(path))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    return { path, folder: folderOf(path), text, imports: importsOf(path, text) }
  })
const shipped = sources.filter(({ path }) => !forTests.test(path))

const isOurs = (imported: string): boolean => existsSync(join(root, imported))
const allowed = ({ imports, packages, never }: Rule, folder: string, imported: string): boolean =>
  isOurs(imported)
    ? folderOf(imported) === folder || imports.some((one) => imported === one || folderOf(imported) === one)
    : (packages ?? [imported]).includes(imported) && !never?.test(imported)

const importsWhere = (files: Source[], holds: (imported: string) => boolean): string[] =>
  files.flatMap(({ path, imports }) => imports.filter(holds).map((imported) => `${path} imports ${imported}`))

describe('Imports point one way', () => {
  test.each([...new Set(sources.map(({ folder }) => folder))].toSorted())('in "%s"', (folder) => {
    const rule = rules[folder]
    const files = shipped.filter((source) => source.folder === folder)
    expect(importsWhere(files, (imported) => !rule || !allowed(rule, folder, imported))).toEqual([])
    expect(rule, `the table says what "${folder}" may import`).toBeDefined()
  })

  test('and what ships does not import what only tests run', () => {
    const engine = shipped.filter(({ path }) => !besideIt.test(path))
    expect(importsWhere(engine, (imported) => forTests.test(imported) || imported === 'vitest')).toEqual([])
  })

  test('and every import is found', () => {
    const lost = sources.flatMap(({ path, text, imports }) => (/\bfrom '/.test(text) && imports.length === 0 ? [path] : []))
    expect(lost).toEqual([])
    const text = "import {\n  a,\n} from '../domain/event.ts'\nexport * from './x.ts'\nimport 'zod'\nawait import('@a/b/c')"
    expect(importsOf('engine/step.ts', text)).toEqual(['domain/event.ts', 'engine/x.ts', 'zod', '@a/b'])
  })
})

test('The environment is read in config.ts alone', () => {
  const readers = shipped.filter(({ path, text }) => readsEnvironment.test(text) && !mayReadEnvironment.test(path))
  expect(readers.map(({ path }) => path)).toEqual([])
})
