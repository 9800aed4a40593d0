import { existsSync, globSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { problems } from '../http/problems.ts'
import { contractOf } from './testing-contract.ts'
import { functionsIn, swiftFiles } from './testing-swift.ts'

const guide = readFileSync(new URL('README.md', import.meta.url), 'utf8')
const { problemCodes, words, objects } = contractOf()
/** The section under a heading, up to the next one. */
const section = (heading: string): string => guide.split(/^## /m).find((part) => part.startsWith(heading)) ?? ''
const named = (text: string): string[] => [...text.matchAll(/`([a-z_]+)`/g)].map(([, word = '']) => word)

it('says of every code that an app may be answered what the app shows, and names all others', () => {
  const part = section('Every answer code')
  const rows = [...part.matchAll(/^\| `(\w+)` \| (\d{3}) \| .{4,} \|$/gm)].map(([, code = '', status]) => [code, Number(status)])
  const listed = Object.fromEntries(rows)
  expect(Object.keys(listed).toSorted()).toEqual(problemCodes)
  expect(rows).toHaveLength(problemCodes.length)
  for (const code of problemCodes) expect(problems[code as keyof typeof problems][0], code).toBe(listed[code])

  const others = Object.keys(problems).filter((code) => !problemCodes.includes(code))
  expect(named(/^Only others than apps .*?\n\n/ms.exec(part.slice(part.indexOf('Only others')))?.[0] ?? '').toSorted()).toEqual(others.toSorted())
})

it('says of every device fact where it comes from and what it leads to', () => {
  const rows = [...section('Say at the start').matchAll(/^\| (`.*?) \|/gm)].flatMap(([, first = '']) => [...first.matchAll(/`(\w+)`/g)].map(([, field]) => field))
  expect(rows.toSorted()).toEqual(objects['Device']?.map(({ name }) => name).toSorted())
})

it('names every mode of the offer, and every reason for the end of a login', () => {
  for (const mode of words['OfferMode'] ?? []) expect(section('The offer')).toContain(`| \`${mode}\` |`)
  for (const reason of words['EndReason'] ?? []) expect(section('Every answer code')).toContain(`\`${reason}\``)
})

it('calls methods that the Swift client has', () => {
  const [, code = ''] = /```swift\n(.*?)```/s.exec(guide) ?? []
  const known = swiftFiles().flatMap(functionsIn).map(({ name }) => name)
  const called = [...code.matchAll(/client\.(\w+)\(/g)].map(([, name = '']) => name)
  expect(called.length).toBeGreaterThan(8)
  for (const name of called) expect(known).toContain(name)
})

it('calls what the Kotlin client has', () => {
  const [, code = ''] = /```kotlin\n(.*?)```/s.exec(guide) ?? []
  const folder = new URL('./kotlin/', import.meta.url)
  const client = globSync('*.kt', { cwd: folder }).map((name) => readFileSync(new URL(name, folder), 'utf8')).join('\n')
  const called = [...code.replace(/\/\/.*/g, '').matchAll(/\b(Keyledger|Device|CredentialManagerPasskeys|Login)\(|(?:keyledger|\))\.(\w+)\(/g)].map(([, type, method]) => (type ? `class ${type}(` : `fun ${method}(`))
  expect(called.length).toBeGreaterThan(4)
  for (const one of called) expect(client).toContain(one)
})

it('links to what is there', () => {
  const links = [...guide.matchAll(/\]\(([^)#]+)(?:#([\w-]+))?\)/g)].filter(([, path = '']) => !path.startsWith('http'))
  expect(links.length).toBeGreaterThan(5)
  for (const [, path = '', anchor] of links) {
    const file = new URL(path, import.meta.url)
    expect(existsSync(file), path).toBe(true)
    if (anchor === undefined) continue
    const headings = [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-'))
    expect(headings, `${path}#${anchor}`).toContain(anchor)
  }
})
