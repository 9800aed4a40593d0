/** What every route reads from a request before the engine sees it. */
import type { Context } from 'hono'
import type { z } from 'zod'
import type { Detail, ProblemCode } from './problems.ts'

/** The request is not one that a route can take. Nothing was decided and nothing written. */
export class BadRequest extends Error {
  readonly problem: ProblemCode
  readonly detail: Detail
  constructor(problem: ProblemCode, detail: Detail = {}) {
    super(problem)
    this.problem = problem
    this.detail = detail
  }
}

/** The body by its schema. An empty body counts as `{}`. What is wrong is named by its path, and never quoted. @throws BadRequest */
export async function bodyOf<S extends z.ZodType<Record<string, unknown>>>(c: Context, schema: S): Promise<z.infer<S>> {
  const bytes = await read(c)
  if (bytes.byteLength > 0 && !/^application\/json\s*(;|$)/i.test(c.req.header('content-type') ?? '')) throw new BadRequest('not_json')
  const parsed = schema.safeParse(bytes.byteLength > 0 ? json(bytes) : {})
  if (parsed.success) return parsed.data
  const wrong = parsed.error.issues.slice(0, 5).map(({ path, code }) => `${path.join('.') || 'body'}: ${code}`)
  throw new BadRequest('malformed', { detail: wrong.join('; ') })
}

/** Bytes. The largest honest body is a credential with its attestation. */
const maxBodyBytes = 64 * 1024

/** @throws BadRequest; also when the app goes away before its body is whole, which is no error of ours */
async function read({ req }: Context): Promise<Uint8Array> {
  const declared = req.header('content-length')
  if (Number(declared) > maxBodyBytes) throw new BadRequest('too_large')
  try {
    // No listener reads beyond what was declared.
    if (declared !== undefined && req.header('transfer-encoding') === undefined) return new Uint8Array(await req.arrayBuffer())
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of req.raw.body ?? []) {
      if ((size += chunk.length) > maxBodyBytes) throw new BadRequest('too_large')
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } catch (error) {
    throw error instanceof BadRequest ? error : new BadRequest('malformed', { detail: 'body: broke off' })
  }
}

/** No honest body nests so deep. Deeper ones would exhaust the stack of whatever walks them. */
const maxDepth = 32

function json(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (depthOf(text) <= maxDepth) return JSON.parse(text)
  } catch {
    throw new BadRequest('malformed', { detail: 'body: not JSON in UTF-8' })
  }
  throw new BadRequest('malformed', { detail: 'body: nested too deep' })
}

/** One pass: a regex that leaves strings out starts again at every quote of one that never ends, and 64 KB of them hold everybody up for seconds. */
function depthOf(text: string): number {
  let [depth, deepest, inString] = [0, 0, false]
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (inString) {
      if (character === '\\') at += 1
      else if (character === '"') inString = false
    } else if (character === '"') inString = true
    else if (character === '[' || character === '{') deepest = Math.max(deepest, (depth += 1))
    else if (character === ']' || character === '}') depth -= 1
  }
  return deepest
}

/** 128 bits or more (draft-ietf-httpapi-idempotency-key-header); the quotes of a structured string may be left out. @throws BadRequest */
export function keyOf(c: Context): string {
  const key = (c.req.header('idempotency-key') ?? '').replace(/^"(.*)"$/, '$1')
  if (!/^[\x21-\x7e]{22,128}$/.test(key)) throw new BadRequest('idempotency_key_missing')
  return key
}

/** RFC 6750, 2.1. @throws BadRequest */
export function bearerOf(c: Context): string {
  const token = /^bearer ([\w.~+/=-]{1,4096})$/i.exec(c.req.header('authorization') ?? '')?.[1]
  if (!token) throw new BadRequest('token_missing')
  return token
}

/** @throws BadRequest for what cannot be the id of a session */
export function sessionOf(c: Context): string {
  const id = c.req.param('id') ?? ''
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)) throw new BadRequest('session_unknown')
  c.set('session', id)
  return id
}
