import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keep, type Kept } from '../audit/testing.ts'
import { createTree, leafHash, type Hash } from '../audit/merkle.ts'
import { leafOf } from '../audit/canonical.ts'
import { openCheckpoint, verifierOf } from '../audit/note.ts'
import { extendsTree, includes } from '../audit/proofs.ts'
import type { Recorded } from '../eventlog/event-log.ts'
import { createProofs, LedgerAway } from '../projections/ledger/proofs.ts'
import { proofsOf } from './testing-proofs.ts'
import { consoleKey, openApi, type Api } from './testing.ts'
import type { Proofs } from './audit.ts'

let api: Api
let events: Recorded[]
let kept: Kept
let away: boolean
/** Of the log as it is, in place of the table. */
const { tree, proofs: ofTheLog } = proofsOf(() => kept)
const proofs: Proofs = {
  inclusion: async (event, size) => {
    if (away) throw new LedgerAway('away')
    return ofTheLog.inclusion(event, size)
  },
  consistency: ofTheLog.consistency,
}
const bytes = (texts: string[]): Hash[] => texts.map((text) => Buffer.from(text, 'base64'))
const look = async (): Promise<void> => {
  events = []
  for await (const event of api.log.readAll({})) events.push(event)
  kept = keep(events)
}
const get = (path: string, token: string | undefined = consoleKey) => api.call('GET', path, { token })

beforeEach(async () => {
  away = false
  api = await openApi({ proofs })
  await api.register()
  await api.loginAt('append')
  await look()
})
afterEach(() => api.close())

describe('The ledger, over HTTP', () => {
  test('is for auditors alone', async () => {
    const paths = ['checkpoints', 'checkpoints/1', 'proofs/inclusion?stream=session-1&revision=0', 'proofs/consistency?from=1&to=2']
    for (const path of paths) {
      expect((await api.call('GET', `/v1/audit/${path}`)).body.code).toBe('token_missing')
      expect((await get(`/v1/audit/${path}`, 'not-the-key')).body.code).toBe('operator_token_invalid')
    }
  })

  test('tells what was signed, one by one and in a row, with the key that signed it', async () => {
    const { ledger } = api.engine
    await ledger.checkpoint(tree)
    await api.loginAt('append')
    await look()
    await ledger.checkpoint(tree)
    const { status, body } = await get('/v1/audit/checkpoints')
    expect([status, body.checkpoints.map(({ number }: { number: number }) => number)]).toEqual([200, [1, 2]])
    for (const one of body.checkpoints) expect(openCheckpoint(one.note, verifierOf(body.key)).size).toBe(one.size)
    expect((await get('/v1/audit/checkpoints?from=2')).body.checkpoints).toEqual([body.checkpoints[1]])
    expect((await get('/v1/audit/checkpoints/2')).body).toEqual(body.checkpoints[1])
    for (const number of ['0', '9', 'x', '-1']) expect((await get(`/v1/audit/checkpoints/${number}`)).body.code).toBe('checkpoint_unknown')
    expect((await get('/v1/audit/checkpoints?from=x')).body.code).toBe('malformed')
  })

  test('proves any event, and that one checkpoint extends another', async () => {
    const signed = await api.engine.ledger.checkpoint(tree)
    const { stream, revision } = kept.leaves.at(-1)!
    const { status, body } = await get(`/v1/audit/proofs/inclusion?stream=${stream}&revision=${revision}`)
    expect(status).toBe(200)
    const [leaf, root] = [leafHash(leafOf(kept.leaves.at(-1)!)), Buffer.from(signed!.root, 'base64')]
    expect(includes({ index: body.index, size: body.size, leaf, root, proof: bytes(body.proof) })).toBe(true)
    const consistency = (await get(`/v1/audit/proofs/consistency?from=1&to=${body.size}`)).body
    const first = createTree()
    first.append(leafHash(leafOf(kept.leaves[0]!)))
    expect(extendsTree({ from: 1, to: body.size, oldRoot: first.root(), newRoot: root, proof: bytes(consistency.proof) })).toBe(true)
    for (const path of [`inclusion?stream=${stream}&revision=999`, `inclusion?stream=${stream}&revision=${revision}&size=1`, `consistency?from=9&to=2`, `consistency?from=0&to=2`]) {
      expect([path, (await get(`/v1/audit/proofs/${path}`)).body.code]).toEqual([path, 'proof_unknown'])
    }
    for (const path of ['inclusion', 'inclusion?stream=a', 'inclusion?stream=a&revision=x', 'consistency?from=1']) expect((await get(`/v1/audit/proofs/${path}`)).body.code).toBe('malformed')
  })

  test('says so while its table is away', async () => {
    away = true
    const { status, body, headers } = await get('/v1/audit/proofs/inclusion?stream=session-1&revision=0')
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'ledger_unavailable', '1'])
    const broken = createProofs({ leaf: async () => Promise.reject(new Error('ECONNREFUSED')) } as unknown as Parameters<typeof createProofs>[0])
    await expect(broken.inclusion({ stream: 'session-1', revision: 0 }, 1)).rejects.toThrow(LedgerAway)
  })
})

