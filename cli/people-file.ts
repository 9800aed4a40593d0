/** A file of people, NDJSON or CSV, read row by row: the same columns in both. */
import { createReadStream, type ReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { parse } from 'csv-parse'
import { z } from 'zod'
import type { NewAccount } from '../engine/new-account.ts'

const text = z.string().trim().max(2048).transform((value) => (value === '' ? undefined : value)).optional()
const flag = z
  .union([z.boolean(), z.literal('').transform(() => false), z.stringbool({ truthy: ['true', '1', 'yes'], falsy: ['false', '0', 'no'] })], 'must be true or false')
  .optional()

const Row = z.strictObject({ email: text, phone: text, username: text, password_hash: text, mfa: flag, locale: text, test: flag })
export const columns = Object.keys(Row.shape)

/** `line`: where the row begins or ends in the file, from 1. A row that cannot be read has a problem instead, which never quotes it. */
export type PersonRow = { line: number } & ({ account: NewAccount } | { problem: string })

export type PeopleFile = { rows: AsyncIterable<PersonRow>; /** How much of the file was read, 0 to 1; undefined for standard input. */ share(): number | undefined }

/** @throws Error when there is no such file, or a CSV has a column that is not known */
export async function openPeopleFile(file: string, format: 'csv' | 'ndjson'): Promise<PeopleFile> {
  if (file === '-') return { rows: rowsOf(process.stdin, format), share: () => undefined }
  const { size } = await stat(file)
  const input: ReadStream = createReadStream(file)
  return { rows: rowsOf(input, format), share: () => (size === 0 ? 1 : input.bytesRead / size) }
}

const rowsOf = (input: Readable, format: 'csv' | 'ndjson'): AsyncIterable<PersonRow> => (format === 'csv' ? csvRows(input) : ndjsonRows(input))

async function* ndjsonRows(input: Readable): AsyncGenerator<PersonRow> {
  let line = 0
  for await (const textOfLine of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    line += 1
    if (textOfLine.trim() === '') continue
    yield { line, ...personOf(jsonOf(textOfLine)) }
  }
}

async function* csvRows(input: Readable): AsyncGenerator<PersonRow> {
  const skipped: PersonRow[] = []
  const parser = parse({ bom: true, info: true, relax_column_count: true, skip_empty_lines: true, skip_records_with_error: true, max_record_size: 65_536 })
  parser.on('skip', (error?: { lines?: number }) => skipped.push({ line: error?.lines ?? 0, problem: 'not CSV: a quote that is not closed or not doubled, or far too long' }))
  input.on('error', (error) => parser.destroy(error)).pipe(parser)
  let header: string[] | undefined
  for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
    yield* skipped.splice(0)
    if (!header) {
      header = record.map((name) => name.trim())
      const unknown = header.filter((name) => !columns.includes(name))
      if (unknown.length > 0) throw new Error(`the file has columns that are not known: ${unknown.join(', ')}; known are ${columns.join(', ')}`)
      continue
    }
    if (record.length !== header.length) yield { line: info.lines, problem: `has ${record.length} fields, the header has ${header.length}` }
    else yield { line: info.lines, ...personOf(Object.fromEntries(header.map((name, index) => [name, record[index]]))) }
  }
  yield* skipped
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
  const contacts = [...(email === undefined ? [] : [{ channel: 'email' as const, address: email }]), ...(phone === undefined ? [] : [{ channel: 'sms' as const, address: phone }])]
  return { account: { source: 'import', identifiers, password: hash === undefined ? undefined : { hash }, contacts, mfa, locale, test } }
}

const problemOf = (issue: z.core.$ZodIssue): string =>
  issue.code === 'unrecognized_keys' ? `keys that are not known: ${issue.keys.join(', ')}` : `${issue.path.join('.') || 'the row'}: ${issue.message}`
