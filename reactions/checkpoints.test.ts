import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { keysFrom } from '../audit/keys.ts'
import { createTree, leafHash, proveConsistency, rootAt, type Hash, type Nodes } from '../audit/merkle.ts'
import { openCheckpoint, signerOf, verifierOf } from '../audit/note.ts'
import { extendsTree } from '../audit/proofs.ts'
import { createWitness } from '../delivery/witnesses.ts'
import { createLedger, type Ledger } from '../engine/ledger.ts'
import { StreamSealed } from '../eventlog/event-log.ts'
import { eventsOf, openTestFile, type BreakableLog } from '../eventlog/testing.ts'
import { createStreams } from '../eventlog/transact.ts'
import { openVault } from '../vault/vault.ts'
import { createCheckpoints, type KeptTree, type Told, type Witness } from './checkpoints.ts'

const master = randomBytes(32)
let file: ReturnType<typeof openTestFile>
let log: BreakableLog
let time: number
let errors: unknown[]
beforeEach(() => {
  file = openTestFile()
  log = file.open()
  time = Date.parse('2026-03-02T08:00:00.000Z')
  errors = []
})
afterEach(() => file.remove())
const pass = (seconds: number) => (time += seconds * 1000)
const now = () => new Date(time)

const openLedger = async (on: BreakableLog = log): Promise<Ledger> => {
  const streams = createStreams({ log: on, now, newId: randomUUID })
  return createLedger({ streams, vault: await openVault({ streams, masterKeys: [master] }), now })
}
/** A tree as the projection keeps it, in memory. */
const openTree = (name = 'leaf') => {
  const tree = createTree()
  const rows: Hash[][] = []
  const nodes: Nodes = async (places) => places.map(({ level, index }) => rows[(index + 1) * 2 ** level - 1]![level]!)
  const grow = (leaves: number): void => {
    for (let leaf = 0; leaf < leaves; leaf += 1) rows.push(tree.append(leafHash(`${name} ${rows.length}`)))
  }
  const kept: KeptTree & { grow(leaves: number): void; away: boolean } = {
    grow, nodes, away: false, size: async () => rows.length, leaves: () => rows.length, isCaughtUp: () => !kept.away,
  }
  return kept
}
const rowsOf = (told = new Map<string, Told>()) => ({ told: async (name: string) => told.get(name), tell: async (name: string, one: Told) => void told.set(name, one) })
const reaction = (ledger: Ledger, tree: KeptTree, witnesses: Witness[] = [], rows = rowsOf()) =>
  createCheckpoints({ ledger, tree, pace: { events: 10, seconds: 60 }, witnesses, rows, now, everyMs: 1, onError: (error) => errors.push(error) })
const keeping = (name: string, everySeconds?: number) => {
  const kept: number[] = []
  const witness: Witness & { kept: number[]; away: boolean } = {
    name, everySeconds, kept, away: false,
    send: async ({ number }) => {
      if (witness.away) throw new Error(`${name} is away`)
      kept.push(number)
    },
  }
  return witness
}

describe('A checkpoint', () => {
  test('is signed when a minute has gone by with something new, and at once after many events', async () => {
    const [ledger, tree] = [await openLedger(), openTree()]
    const { round } = reaction(ledger, tree)
    const sizes = async () => (await ledger.list(0, 99)).map(({ size }) => size)
    tree.grow(3)
    await round()
    pass(59)
    await round()
    expect(await sizes()).toEqual([])
    pass(1)
    await round()
    expect(await sizes()).toEqual([3])
    pass(3_600)
    await round()
    expect(await sizes()).toEqual([3])
    tree.grow(9)
    await round()
    expect(await sizes()).toEqual([3, 12])
    pass(30)
    tree.grow(9)
    await round()
    expect(await sizes()).toEqual([3, 12])
    tree.grow(1)
    await round()
    expect(await sizes()).toEqual([3, 12, 22])
  })

  test('is a signed note of the tree, and each extends the one before', async () => {
    const [ledger, tree] = [await openLedger(), openTree()]
    for (const leaves of [1, 4, 8]) {
      tree.grow(leaves)
      await ledger.checkpoint(tree)
    }
    const signed = await ledger.list(0, 99)
    expect(signed.map(({ number, size }) => [number, size])).toEqual([[1, 1], [2, 5], [3, 13]])
    const verifier = verifierOf((await ledger.keys()).first)
    for (const { note, size } of signed) expect(openCheckpoint(note, verifier)).toEqual({ origin: `keyledger/${ledger.id}`, size, root: await rootAt(tree.nodes, size) })
    const [, from, to] = signed.map(({ note }) => openCheckpoint(note, verifier))
    expect(extendsTree({ from: 5, to: 13, oldRoot: from!.root, newRoot: to!.root, proof: await proveConsistency(tree.nodes, 5, 13) })).toBe(true)
    expect(await ledger.checkpoint(tree)).toBeUndefined()
    expect([await ledger.read(2), await ledger.read(0), await ledger.read(9)]).toEqual([signed[1], undefined, undefined])
  })

  test('is not signed twice differently: two engines have one ledger, and the slower one gives way', async () => {
    const [one, other, tree] = [await openLedger(), await openLedger(file.open()), openTree()]
    expect((await Promise.all([one.state(), other.state()])).map(({ vkey }) => vkey)).toEqual(Array(2).fill((await one.keys()).first))
    tree.grow(4)
    const both = await Promise.all([one.checkpoint(tree), other.checkpoint(tree)])
    expect(both.filter((signed) => signed !== undefined)).toHaveLength(1)
    expect((await eventsOf(log, one.stream)).map(({ type }) => type)).toEqual(['LedgerOpened', 'CheckpointSigned'])
  })

  test.each([
    ['is another one', 'does not extend', () => {
      const forged = openTree('forged')
      forged.grow(9)
      return forged
    }],
    ['is shorter', 'the tree has 2 leaves, and 5 were signed', () => {
      const short = openTree()
      short.grow(2)
      return short
    }],
  ])('is never signed again where the tree %s: it is said once, and shown', async (_, message, forge) => {
    const [ledger, tree] = [await openLedger(), openTree()]
    tree.grow(5)
    await ledger.checkpoint(tree)
    pass(61)
    const { round, status } = reaction(ledger, forge())
    await round()
    await round()
    expect(errors).toEqual([expect.objectContaining({ code: 'ledger_forked', message: expect.stringContaining(message) })])
    expect(status().refused).toContain(message)
    expect(await ledger.list(0, 9)).toHaveLength(1)
  })

  test('that was exchanged in the log is seen, since nobody else has the key', async () => {
    const [ledger, tree, forged] = [await openLedger(), openTree(), openTree('forged')]
    tree.grow(5)
    await ledger.checkpoint(tree)
    forged.grow(5)
    const lie: BreakableLog = { ...log, last: async (stream) => {
      const last = await log.last(stream)
      return stream === ledger.stream && last ? { ...last, data: { ...last.data, root: (await rootAt(forged.nodes, 5)).toString('base64') } } : last
    } }
    forged.grow(1)
    await expect((await openLedger(lie)).checkpoint(forged)).rejects.toThrow('is not what its note says')
  })

  test('is not signed by an engine whose tree is not complete', async () => {
    const [ledger, tree] = [await openLedger(), openTree()]
    tree.grow(20)
    tree.away = true
    await reaction(ledger, tree).round()
    expect(await eventsOf(log, ledger.stream)).toEqual([])
  })
})

describe('The key', () => {
  test('is changed by a note of the one before, which is then destroyed', async () => {
    const [ledger, tree] = [await openLedger(), openTree()]
    tree.grow(2)
    await ledger.checkpoint(tree)
    const old = await ledger.state()
    await ledger.rotateKey()
    tree.grow(2)
    const signed = await ledger.checkpoint(tree)
    const { first, handovers } = await ledger.keys()
    const [, newest] = keysFrom(first, handovers)
    expect([first, newest!.vkey === first]).toEqual([old.vkey, false])
    expect(openCheckpoint(signed!.note, newest!)).toMatchObject({ size: 4 })
    await ledger.rotateKey()
    const again = await ledger.keys()
    expect(keysFrom(first, again.handovers)).toHaveLength(3)
    expect(keysFrom(newest!.vkey, again.handovers)).toHaveLength(2)
    await expect(log.append(`key-${old.key}`, [{ id: randomUUID(), type: 'KeyWrapped', data: {}, metadata: { at: now().toISOString(), actor: 'x', $correlationId: 'x', $causationId: 'x' } }], 'none')).rejects.toThrow(StreamSealed)
    expect(await eventsOf(log, `key-${old.key}`)).toEqual([])
  })

  test('is not believed where somebody else names the next', async () => {
    const [ledger, stranger] = [await openLedger(), signerOf('keyledger/x', randomBytes(32))]
    await ledger.rotateKey()
    const { first, handovers } = await ledger.keys()
    expect(keysFrom(first, handovers.map((note) => note.replace(/^keyledger\/.*\+.*$/m, stranger.vkey)).map((note) => note.split('\n\n')[0] + '\n\n' + `— keyledger/x ${Buffer.alloc(68).toString('base64')}\n`))).toHaveLength(1)
    expect(() => keysFrom(first, handovers.map((note) => note.replace('change', 'chance')))).toThrow('is wrong')
  })
})

describe('A witness', () => {
  test('gets every checkpoint in order, goes on where it was after a restart, and does not hold up another that is away', async () => {
    const [ledger, tree, rows] = [await openLedger(), openTree(), rowsOf()]
    const [one, two] = [keeping('one'), keeping('two')]
    const first = reaction(ledger, tree, [one, two], rows)
    for (let signed = 1; signed <= 2; signed += 1) {
      tree.grow(10)
      await first.round()
    }
    two.away = true
    for (let signed = 3; signed <= 4; signed += 1) {
      tree.grow(10)
      await first.round()
      pass(10)
    }
    expect([one.kept, two.kept]).toEqual([[1, 2, 3, 4], [1, 2]])
    expect(errors).toHaveLength(1)
    expect(first.status().witnesses).toEqual([{ name: 'one', number: 4, failing: false }, { name: 'two', number: 2, failing: true }])
    two.away = false
    await reaction(ledger, tree, [one, two], rows).round()
    expect([one.kept, two.kept]).toEqual([[1, 2, 3, 4], [1, 2, 3, 4]])
  })

  test('that wants one a day gets the newest of a day, and one that is new begins with the newest', async () => {
    const [ledger, tree] = [await openLedger(), openTree()]
    const [daily, late] = [keeping('daily', 86_400), keeping('late')]
    const { round } = reaction(ledger, tree, [daily])
    for (let hour = 0; hour < 30; hour += 1) {
      tree.grow(1)
      await round()
      pass(3_600)
    }
    expect(daily.kept).toEqual([1, 25])
    await reaction(ledger, tree, [late]).round()
    expect(late.kept).toEqual([29])
  })

  test('is a file that keeps a line of each', async () => {
    const [ledger, tree, kept] = [await openLedger(), openTree(), join(file.folder, 'checkpoints.ndjson')]
    const { round } = reaction(ledger, tree, [createWitness({ file: kept })])
    for (const _ of [1, 2]) {
      tree.grow(10)
      await round()
    }
    const lines = readFileSync(kept, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { note: string })
    const verifier = verifierOf((await ledger.keys()).first)
    expect(lines.map(({ note }) => openCheckpoint(note, verifier).size)).toEqual([10, 20])
  })

  test('is a webhook, which is asked again under the same id until it says yes', async () => {
    const asked: { id: string | undefined; number: number }[] = []
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (bytes: Buffer) => (body += bytes.toString())).on('end', () => {
        asked.push({ id: request.headers['webhook-id'] as string, number: (JSON.parse(body) as { number: number }).number })
        response.writeHead(asked.length === 1 ? 500 : 204).end()
      })
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    onTestFinished(() => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keep`
    expect(() => createWitness({ webhook: url })).toThrow('https')
    const [ledger, tree] = [await openLedger(), openTree()]
    const { round } = reaction(ledger, tree, [createWitness({ webhook: url }, { plaintext: true })])
    tree.grow(10)
    await round()
    pass(2)
    await round()
    await round()
    expect(asked).toEqual(Array(2).fill({ id: `${ledger.id}/1`, number: 1 }))
  })
})
