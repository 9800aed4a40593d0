/** After everything else: no secret that passed stands, in any form that could be read back or guessed at, in what the engine keeps or says. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Json } from '../eventlog/event-log.ts'
import type { Story } from './chapters.ts'
import { createSearch, type Find } from './search.ts'
import { shop, type Stage } from './stage.ts'
import { kinds, type Secret } from './witness.ts'

export const privacy: Story[] = [
  ['every request left one line in the log, which says what happened and to which session', async (stage) => {
    const app = stage.newApp()
    const ada = await stage.newPerson()
    const before = stage.logged.length
    const replies = [await app.start(ada.email), await app.password(`not ${ada.password}`), await app.password(ada.password)]
    const lines = stage.logged.slice(before).map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ what }) => what === 'request')
    assert.deepEqual(
      lines.map(({ at, ms, ...line }) => line),
      replies.map(({ status, body }, n) => ({
        level: 'info', what: 'request', method: 'POST', route: n === 0 ? '/v1/sessions' : '/v1/sessions/:id/password', status,
        ...(body.code === undefined ? {} : { code: body.code }), session: app.session, app: shop.id,
      })),
    )
  }],

  ['nothing that the stories kept secret stands in the store, in any of its forms', async (stage) => {
    await stage.engine.settled()
    await stage.projected()
    assert.deepEqual(new Set(stage.secrets.values()), new Set(kinds), 'the other stories are played first')
    const search = createSearch(needles(stage.secrets))
    const found = [...stage.kept.flatMap((folder) => searchFiles(folder, search)), ...(await searchRecords(stage, search))]
    assert.deepEqual(found.filter(({ form, kind }) => !isByDesign(kind, form)), [])
    // The search reads what it should: what stands there by design, it finds.
    assert.ok(found.some(({ where, form, kind }) => isByDesign(kind, form) && where.startsWith('session-')))
  }],
]

export const searching: Story[] = [
  ['the search that is to find nothing finds a secret that was written down, whatever its form', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'planted-'))
    const secret = 'a secret that was planted'
    const planted = forms(Buffer.from(secret))
    for (const [n, { bytes }] of planted.entries()) {
      writeFileSync(join(folder, String(n)), Buffer.concat([Buffer.from('before '), bytes, Buffer.from(' after')]))
    }
    const found = searchFiles(folder, createSearch(needles(new Map([[secret, 'password']]))))
    rmSync(folder, { recursive: true })
    assert.deepEqual(new Set(found.map(({ form }) => form)), new Set(planted.map(({ form }) => form)))
    assert.equal(new Set(found.map(({ where }) => where)).size, planted.length)

    const { leaves } = createSearch([], ['480216'])
    assert.deepEqual(leaves('id', { at: '2026-01-02T03:04:05.678Z', id: '13480216', of: [{ size: 4802160 }] }), [])
    assert.equal(leaves('code', { deep: [{ said: 'it is 480216, they said' }] }).length, 1)
    assert.equal(leaves('number', { code: 480216 }).length, 1)
  }],
]

/** The SHA-256 of the flow token is kept in its place: nobody guesses 32 random bytes (as PKCE does with S256: RFC 7636, 7.1). */
const isByDesign = (kind: string, form: string): boolean => kind === 'flow token' && /^sha256 base64(url)?$/.test(form)

/** Every form of every secret. Six digits may stand anywhere by chance: a code counts when it stands alone, which `leaves` looks at, or in quotes. */
function needles(secrets: ReadonlyMap<string, Secret>) {
  return [...secrets].flatMap(([secret, kind]) =>
    (kind === 'code' ? codeForms(secret) : [...forms(Buffer.from(secret)), ...decoded(secret)]).map((one) => ({ ...one, kind })))
}

/** As it is, encoded, inside of something that was encoded, and hashed without a key. */
function forms(secret: Buffer): { form: string; bytes: Buffer }[] {
  const hashes = ['md5', 'sha1', 'sha256', 'sha512'].flatMap((algorithm) => {
    const hash = createHash(algorithm).update(secret).digest()
    return [
      { form: algorithm, bytes: hash },
      ...(['hex', 'base64', 'base64url'] as const).map((encoding) => {
        return { form: `${algorithm} ${encoding}`, bytes: Buffer.from(unpadded(hash.toString(encoding))) }
      }),
    ]
  })
  return [{ form: 'plain', bytes: secret }, { form: 'hex', bytes: Buffer.from(secret.toString('hex')) }, ...insideBase64(secret), ...hashes]
}

/** Tokens are 32 random bytes in base64url. */
const decoded = (secret: string) => (/^[\w-]{43}$/.test(secret) ? [{ form: 'decoded', bytes: Buffer.from(secret, 'base64url') }] : [])

const codeForms = (code: string) => [
  { form: 'quoted', bytes: Buffer.from(`"${code}"`) },
  ...forms(Buffer.from(code)).filter(({ form, bytes }) => form !== 'plain' && bytes.length >= 8),
]

/** Base64 of a text around the secret: where its bits begin depends on what stands before it (RFC 4648, 4). */
const insideBase64 = (secret: Buffer) =>
  (['base64', 'base64url'] as const).flatMap((encoding) =>
    [0, 1, 2].map((shift) => {
      const encoded = unpadded(Buffer.concat([Buffer.alloc(shift), secret]).toString(encoding))
      const whole = (shift + secret.length) % 3 === 0 ? encoded.length : encoded.length - 1
      return { form: `${encoding} +${shift}`, bytes: Buffer.from(encoded.slice(shift === 0 ? 0 : shift + 1, whole)) }
    }))

const unpadded = (text: string): string => text.replace(/=+$/, '')

/** A folder, to the last byte: of the embedded parts the log with its WAL, Postgres, keys and locks; of production Postgres with its WAL. */
const searchFiles = (folder: string, search: ReturnType<typeof createSearch>): Find[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry) => search.bytes(entry.name, readFileSync(join(entry.parentPath, entry.name))))

/** What the files may hold in pieces or compressed: every event with its metadata, every row; what was printed and logged; and what is counted. */
async function searchRecords({ url, log, sql, printed, logged, secrets }: Stage, search: ReturnType<typeof createSearch>): Promise<Find[]> {
  const found: Find[] = []
  const codes = [...secrets].filter(([, kind]) => kind === 'code').map(([code]) => code)
  const { leaves } = createSearch([], [...codes, '127.0.0.1', '::1'])
  const look = (where: string, record: Json) => found.push(...search.bytes(where, Buffer.from(JSON.stringify(record))), ...leaves(where, record))
  for await (const { stream, type, data, metadata } of log.readAll({})) look(stream, { stream, type, data, metadata })
  for (const line of printed) look('printed', line)
  for (const line of logged) look('logged', JSON.parse(line) as Json)
  for (const line of (await (await fetch(`${url}/metrics`)).text()).split('\n')) look('metrics', line)
  // All that a dump would have.
  const tables = await sql<{ schema: string; name: string }[]>`
    select table_schema as schema, table_name as name from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema')`
  assert.ok(tables.length > 3)
  for (const { schema, name } of tables) {
    const rows = await sql<{ row: string }[]>`select to_jsonb(one)::text as row from ${sql(schema)}.${sql(name)} one`
    for (const { row } of rows) found.push(...search.bytes(name, Buffer.from(row)))
  }
  return found
}
