/** docs/security.md is held to the code: what it names exists, what the standards ask is all there, and what is open is said at the top. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Policy } from './domain/policy.ts'
import { lifetimes } from './domain/session/tokens.ts'
import { Proof } from './domain/session/vocabulary.ts'
import { ConfigFile } from './config.ts'
import { freshFor } from './engine/step-up.ts'
import { operations } from './mobile-contracts/operations.ts'

/** OWASP ASVS 5.0.0, V6 and V7, levels 1 and 2: how many of each section, and those between that are of level 3 alone. */
const asvs = [
  ...numbers('6.1', 3), ...numbers('6.2', 12), ...numbers('6.3', 4), ...numbers('6.4', 4), ...numbers('6.5', 5), ...numbers('6.6', 3), ...numbers('6.8', 4),
  ...numbers('7.1', 3), ...numbers('7.2', 4), ...numbers('7.3', 2), ...numbers('7.4', 5), ...numbers('7.5', 2), ...numbers('7.6', 2),
]
const levelOne = ['6.1.1', ...numbers('6.2', 8), '6.3.1', '6.3.2', '6.4.1', '6.4.2', ...numbers('7.2', 4), '7.4.1', '7.4.2']

/** Sections of NIST SP 800-63B-4 that ask something of a verifier; a word where a section asks for several things. */
const nist = [
  ...['2.1', '2.1.1', '2.1.2', '2.1.3', '2.2.1', '2.2.2 channel', '2.2.2 replay', '2.2.2 phishing', '2.2.2 validation', '2.2.3', '2.3', '2.4', '3', '3.1.1.1'],
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 'normalization', 'blocklist', 'guidance', 'rate limit', 'managers', 'display', 'channel', 'hash', 'salt', 'keyed hash'].map((one) => `3.1.1.2 ${typeof one === 'number' ? `(${one})` : one}`),
  ...['3.1.2', '3.1.3.1 e-mail', '3.1.3.1 channel', '3.1.3.2 life', '3.1.3.2 secret', '3.1.3.2 rate limit', '3.1.3.3 number', '3.1.3.3 others', '3.1.3.3 risk', '3.1.3.4', '3.1.4', '3.1.5', '3.1.6.2 key', '3.1.6.2 nonce', '3.1.7.2', '3.1.7.3'],
  ...['3.2.1', '3.2.2 limit', '3.2.2 reset', ...numbers('3.2', 13).slice(2)],
  ...['4.1 record', '4.1 state', '4.1.2.1 several', '4.1.2.1 strength', '4.1.2.1 notice', '4.1.2.2', '4.1.3', '4.1.4', '4.2.1', '4.2.2', '4.2.3', '4.3', '4.4', '4.5', '4.6 addresses', '4.6 instructions'],
  ...['secret', 'strength', 'end', 'timeout', 'persistence', 'storage', 'transport', 'forgery'].map((one) => `5.1 ${one}`),
  ...['5.1.1', '5.1.2', '5.2', '5.3', 'B.2', 'B.3 flags', 'B.3 attestation', 'B.5'],
]

type Named = { file: string; sentence: string }
type Row = { id: string; level: string; state: string; how: string; shownBy: string[] }

function numbers(section: string, many: number): string[] {
  return Array.from({ length: many }, (_, n) => `${section}.${n + 1}`)
}

const page = readFileSync(join(import.meta.dirname, 'docs/security.md'), 'utf8')
const sectionOf = (title: string): string => page.split(/^##+ /m).find((one) => one.startsWith(`${title}\n`)) ?? ''
const cellsOf = (line: string): string[] => line.split('|').slice(1, -1).map((cell) => cell.trim())

const rowsOf = (standard: string, title: string): Row[] =>
  sectionOf(title).split('\n').filter((line) => /^\| [\dB]/.test(line)).map((line) => {
    const [number = '', level = '', , state = '', how = '', shownBy = ''] = cellsOf(line)
    return { id: `${standard} ${number}`, level, state, how, shownBy: shownBy === '' ? [] : shownBy.split('<br>') }
  })
const rows = [...rowsOf('ASVS', 'ASVS 5.0.0, V6: authentication'), ...rowsOf('ASVS', 'ASVS 5.0.0, V7: session management'), ...rowsOf('NIST', 'NIST SP 800-63B-4')]
const idsWhere = (holds: (row: Row) => boolean): string[] => rows.filter(holds).map(({ id }) => id)
const listedIn = (title: string): string[] => [...sectionOf(title).matchAll(/^- (.*?): /gm)].flatMap(([, ids = '']) => ids.split(', '))
function named(shown: string): Named | undefined {
  const [, file, sentence] = /^`([\w/.-]+\.ts)`: "([^"]+)"$/.exec(shown) ?? []
  return file === undefined || sentence === undefined ? undefined : { file, sentence }
}

// A test, a group, or the title after the table of one: `describe(`, `test.each(...)(`, `])(`. And a story: `['title', async (stage) =>`.
const titled = /^( *)((?:describe|test|it|always)(?:\.skip)?\(|(?:describe|test|it)\.(?:each|skipIf)\b.*?\)\(|\](?: as const)?\)\()(['"`])((?:\\.|(?!\3).)+)\3/
const story = /^( *)(\[)(')((?:\\.|[^'])+)', async \(/

/** What a file tests: each title behind those of the groups around it. Not what is skipped; and of a table the title as it is written, `%s` and all. */
function sentencesOf(text: string): string[] {
  const around: { indent: number; title: string; skipped: boolean }[] = []
  return text.split('\n').flatMap((line) => {
    const [, space = '', call, , title] = titled.exec(line) ?? story.exec(line) ?? []
    if (call === undefined || title === undefined) return []
    while ((around.at(-1)?.indent ?? -1) >= space.length) around.pop()
    const one = { indent: space.length, title: title.replaceAll(/\\(.)/g, '$1').replaceAll('"', ''), skipped: call.includes('.skip(') }
    const path = [...around, one]
    if (call.startsWith('describe')) around.push(one)
    return call.startsWith('describe') || path.some(({ skipped }) => skipped) ? [] : [path.map((each) => each.title).join(' ')]
  })
}

const known = new Map<string, string[]>()
function testsOf(file: string): string[] {
  const sentences = known.get(file) ?? sentencesOf(readFileSync(join(import.meta.dirname, file), 'utf8'))
  known.set(file, sentences)
  return sentences
}

describe('The page has', () => {
  test('every requirement of V6 and V7 up to level 2, with its level', () => {
    expect(idsWhere(({ id }) => id.startsWith('ASVS'))).toEqual(asvs.map((number) => `ASVS ${number}`))
    expect(idsWhere(({ id, level }) => id.startsWith('ASVS') && level === '1')).toEqual(levelOne.map((number) => `ASVS ${number}`))
    expect(idsWhere(({ id, level }) => id.startsWith('ASVS') && !['1', '2'].includes(level))).toEqual([])
  })

  test('every section of SP 800-63B-4 that speaks to a verifier', () => {
    expect(idsWhere(({ id }) => id.startsWith('NIST'))).toEqual(nist.map((number) => `NIST ${number}`))
  })

  test('one of four states for each, and how it comes to it', () => {
    expect(idsWhere(({ state, how }) => !['met', 'not applicable', 'open', 'the operator\'s'].includes(state) || how === '')).toEqual([])
  })

  test('a test for all that is met', () => {
    expect(idsWhere(({ state, shownBy }) => state === 'met' && !shownBy.some(named))).toEqual([])
  })

  test('no test that there is not', () => {
    const lost = rows.flatMap(({ id, shownBy }) =>
      shownBy.flatMap((shown) => {
        const { file, sentence } = named(shown) ?? { file: '', sentence: shown }
        const met = file === '' ? [] : testsOf(file).filter((one) => one === sentence || one.endsWith(` ${sentence}`))
        return met.length === 1 ? [] : [`${id}: ${file} has ${met.length} of "${sentence}"`]
      }))
    expect(lost).toEqual([])
  })

  test('all that is open at its top, and nothing else', () => {
    expect(listedIn('What is open').toSorted()).toEqual(idsWhere(({ state }) => state === 'open').toSorted())
  })

  test('beside it what takes a setting, which is the operator\'s', () => {
    const theirs = idsWhere(({ state }) => state === 'the operator\'s')
    expect(listedIn('What takes a setting').filter((id) => !theirs.includes(id))).toEqual([])
    const bySetting = idsWhere(({ state, how }) => state === 'the operator\'s' && /`(passwords\.|signedIn)|#two-factors/.test(how))
    expect(bySetting.filter((id) => !listedIn('What takes a setting').includes(id))).toEqual([])
  })

  test('no request that the engine does not have', () => {
    const requests = [...page.matchAll(/`(GET|POST|DELETE) (\/[^`\s]*)`/g)].map(([, method, path]) => `${method} ${path}`)
    const had = new Set(operations.map(({ method, path }) => `${method} ${path}`))
    expect(requests.filter((one) => !had.has(one))).toEqual([])
    expect(requests.length).toBeGreaterThan(5)
  })
})

test('The ways in are those that the engine has', () => {
  const ways = sectionOf('Ways in').split('\n').filter((line) => line.startsWith('| `')).map((line) => cellsOf(line))
  expect(ways.map(([proof]) => proof)).toEqual(Proof.options.map((proof) => `\`${proof}\``))
  expect(ways.map(([, request]) => request)).toEqual(Proof.options.map((proof) => `\`POST /v1/sessions/{id}/${proof}\``))
})

test('The lifetimes are those that the engine has', () => {
  const { idle, absolute } = Policy.parse({}).signedIn
  const said = sectionOf('How long somebody stays signed in').split('\n').filter((line) => line.startsWith('| ')).slice(1).map((line) => cellsOf(line)[1])
  expect(said).toEqual([`${ConfigFile.parse({}).flowSeconds / 60} minutes`, `${lifetimes.access / 60} minutes`, `${idle / 86_400} days`, `${absolute / 86_400} days`, `${freshFor / 60} minutes`])
})

test('A test is known by its whole sentence', () => {
  const text = [
    "describe('A door', () => {", "  test('is shut', () => {", "  test.skip('is locked', () => {", "  describe.skip('of glass', () => {", "    test('breaks', () => {", '  })', '  describe(`of ${wood}`, () => {', "    test.each([1])('opens %s', () => {", '    ])("it\'s \\"shut\\" again", () => {', '  })',
    "  it('is a door', async () => {", '})', "test('Outside', () => {", "  expect(doors('front', 1)).toBe(1)", "  ['who knocks is let in', async (stage) => {",
  ].join('\n')
  expect(sentencesOf(text)).toEqual(['A door is shut', 'A door of ${wood} opens %s', "A door of ${wood} it's shut again", 'A door is a door', 'Outside', 'who knocks is let in'])
})
