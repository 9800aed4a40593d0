/** A file of people, NDJSON or CSV, read row by row: the same columns in both. */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pipeline, type Readable } from 'node:stream'
import { parse, type CsvError, type Info } from 'csv-parse'
import { z } from 'zod'
import type { NewAccount } from '../engine/new-account.ts'
import { Device } from '../mobile-contracts/requests.ts'

export const formats = ['csv', 'ndjson'] as const
export type Format = (typeof formats)[number]

/** Characters. A longer row is none, but another file or a quote that is never closed. */
const longestRow = 65_536

const text = z
  .string('must be text')
  .trim()
  .refine((value) => !value.includes('\uFFFD'), 'is not UTF-8')
  .nullish()
  .transform((value) => value || undefined)
const words = { truthy: ['true', '1', 'yes'], falsy: ['false', '0', 'no', ''] }
const flag = z.union([z.boolean(), z.preprocess((value) => (value === 0 || value === 1 ? String(value) : value), z.stringbool(words))], 'must be true or false').nullish()
/** BCP 47, as apps may send it. */
export const Locale = text.refine((value) => Device.shape.locale.safeParse(value).success, 'must be a language tag such as de or pt-BR')

const Row = z.strictObject({ email: text, phone: text, username: text, password_hash: text, mfa: flag, locale: Locale, test: flag }, 'must be an object')
export const columns: readonly string[] = Object.keys(Row.shape)

/** `row`: its line in the file, the last one if it has several, counted from 1. A row that cannot be read has a problem instead, which never quotes it. */
export type PersonRow = { row: number } & ({ account: NewAccount } | { problem: string })

export type PeopleFile = { rows: AsyncIterable<PersonRow>; /** How much of the file was read, 0 to 1; undefined where its size is not known. */ share(): number | undefined }

/** `-` is standard input. @throws Error when there is no such file; while reading, when it is no file of people */
export async function openPeopleFile(file: string, format: Format): Promise<PeopleFile> {
  const rows = format === 'csv' ? csvRows : ndjsonRows
  if (file === '-') return { rows: rows(process.stdin), share: () => undefined }
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new Error(`there is no file ${resolve(file)}`) : error
  })
  const { size } = await handle.stat()
  const input = createReadStream(file, { fd: handle })
  return { rows: rows(input), share: () => (size === 0 ? undefined : Math.min(1, input.bytesRead / size)) }
}

async function* ndjsonRows(input: Readable): AsyncGenerator<PersonRow> {
  let row = 0
  for await (const line of linesOf(input)) {
    row += 1
    if (line.trim() === '') continue
    yield { row, ...(line.length > longestRow ? { problem: 'too long' } : personOf(jsonOf(line))) }
  }
}

/** Lines without their ends. Of one that is too long only the beginning is kept. */
async function* linesOf(input: Readable): AsyncGenerator<string> {
  let rest = ''
  let first = true
  for await (const chunk of input.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + (first ? chunk.replace(/^\uFEFF/, '') : chunk)).split('\n')
    first = false
    rest = (lines.pop() ?? '').slice(0, longestRow + 1)
    yield* lines
  }
  yield rest
}

async function* csvRows(input: Readable): AsyncGenerator<PersonRow> {
  let broken: number | undefined
  const parser = parse({
    bom: true,
    info: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: longestRow,
    on_skip: (error) => void (broken ??= (error as CsvError & { lines: number }).lines),
  })
  // An error of either ends both, and comes out of the loop.
  pipeline(input, parser, () => {})
  let header: string[] | undefined
  let row = 0
  for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
    // Behind a quote that is never closed the parser finds rows that are none.
    if (broken !== undefined && info.lines >= broken) break
    row = info.lines
    if (!header) header = headerOf(record)
    else if (record.length !== header.length) yield { row, problem: `has ${record.length} fields, the header has ${header.length}` }
    else yield { row, ...personOf(Object.fromEntries(header.map((name, index) => [name, record[index]]))) }
  }
  if (broken !== undefined) yield { row: row + 1, problem: 'too long, or a quote is not closed: nothing from here on was read' }
  else if (!header) throw new Error('the file is empty: its first row names the columns')
}

/** @throws Error */
function headerOf(record: readonly string[]): string[] {
  const header = record.map((name) => name.trim())
  const unknown = header.filter((name) => !columns.includes(name))
  if (unknown.length > 0) throw new Error(`the file has columns that are not known: ${unknown.map((name) => JSON.stringify(name.slice(0, 64))).join(', ')}; known are ${columns.join(', ')}`)
  const twice = header.find((name, index) => header.indexOf(name) < index)
  if (twice) throw new Error(`the file has the column ${twice} twice`)
  return header
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function personOf(row: unknown): { account: NewAccount } | { problem: string } {
  if (row === undefined) return { problem: 'not JSON' }
  const parsed = Row.safeParse(row)
  if (!parsed.success) return { problem: parsed.error.issues.map(problemOf).join('; ') }
  const { email, phone, username, password_hash: hash, mfa, locale, test } = parsed.data
  const identifiers = [username, email, phone].filter((one) => one !== undefined)
  if (identifiers.length === 0) return { problem: 'needs an email, a phone or a username' }
  return {
    account: {
      source: 'import',
      identifiers,
      password: hash === undefined ? undefined : { hash },
      contacts: contactsOf({ email, phone }),
      mfa: mfa ?? undefined,
      locale,
      test: test ?? undefined,
    },
  }
}

export const contactsOf = ({ email, phone }: { email?: string | undefined; phone?: string | undefined }): NonNullable<NewAccount['contacts']> => [
  ...(email === undefined ? [] : [{ channel: 'email' as const, address: email }]),
  ...(phone === undefined ? [] : [{ channel: 'sms' as const, address: phone }]),
]

const problemOf = (issue: z.core.$ZodIssue): string =>
  issue.code === 'unrecognized_keys'
    ? `has keys that are not known: ${issue.keys.map((key) => JSON.stringify(key.slice(0, 64))).join(', ')}`
    : [...issue.path, issue.message].join(' ')
