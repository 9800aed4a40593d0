import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createTree, emptyRoot, leafHash, nodeHash, peaksAt, proveConsistency, proveInclusion, rootAt, type Hash, type Nodes } from './merkle.ts'
import { extendsTree, includes } from './proofs.ts'

type Vectors = {
  inclusion: { name: string; leafIdx: number; treeSize: number; root: string; leafHash: string; proof: string[] | null; wantErr: boolean }[]
  consistency: { name: string; size1: number; size2: number; root1: string; root2: string; proof: string[] | null; wantErr: boolean }[]
}
const vectors = JSON.parse(readFileSync(new URL('vectors/merkle-proofs.json', import.meta.url), 'utf8')) as Vectors
const bytes = (text: string) => Buffer.from(text, 'base64')
const decoded = (proof: string[] | null) => (proof ?? []).map(bytes)

/** The leaves and roots that the tests of Certificate Transparency have had since RFC 6962 (github.com/google/certificate-transparency, merkle_tree_test). */
const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

/** As the ledger's table keeps it: of every leaf the subtrees that end with it. */
const grown = (hashes: readonly Hash[]) => {
  const tree = createTree()
  const rows = hashes.map((hash) => tree.append(hash))
  const nodes: Nodes = async (places) => places.map(({ level, index }) => rows[(index + 1) * 2 ** level - 1]![level]!)
  return { tree, nodes }
}
/** RFC 9162, 2.1.1, word for word. */
const slowRoot = (hashes: readonly Hash[]): Hash => {
  if (hashes.length === 0) return emptyRoot
  if (hashes.length === 1) return hashes[0]!
  let split = 1
  while (split * 2 < hashes.length) split *= 2
  return nodeHash(slowRoot(hashes.slice(0, split)), slowRoot(hashes.slice(split)))
}
const numbered = (count: number) => Array.from({ length: count }, (_, n) => leafHash(`leaf ${n}`))

describe('Hashes', () => {
  test('are those of the published vectors', () => {
    expect(emptyRoot.toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(leafHash('').toString('hex')).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d')
    expect(leafHash('L123456').toString('hex')).toBe('395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56')
    // N123 and N456 are no hashes, but the vector has a node made of them.
    expect(createHash('sha256').update('\u0001N123N456').digest('hex')).toBe('aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb')
    const [left, right] = [leafHash('a'), leafHash('b')]
    expect(nodeHash(left, right)).toEqual(createHash('sha256').update(Buffer.concat([Buffer.of(1), left, right])).digest())
  })

  test('of trees of one to eight leaves too', () => {
    const { tree } = grown([])
    expect(leaves.map((leaf) => {
      tree.append(leafHash(Buffer.from(leaf, 'hex').toString('utf8')))
      return tree.root().toString('hex')
    })).toEqual(roots)
  })
})

describe('A proof', () => {
  test('of inclusion is judged as the published vectors say', () => {
    const judged = vectors.inclusion.map((one) => [one.name, includes({ index: one.leafIdx, size: one.treeSize, leaf: bytes(one.leafHash), root: bytes(one.root), proof: decoded(one.proof) })])
    expect(judged).toEqual(vectors.inclusion.map(({ name, wantErr }) => [name, !wantErr]))
    expect(new Set(judged.map(([, good]) => good)).size).toBe(2)
  })

  test('of consistency is judged as the published vectors say', () => {
    const judged = vectors.consistency.map((one) => [one.name, extendsTree({ from: one.size1, to: one.size2, oldRoot: bytes(one.root1), newRoot: bytes(one.root2), proof: decoded(one.proof) })])
    expect(judged).toEqual(vectors.consistency.map(({ name, wantErr }) => [name, !wantErr]))
    expect(new Set(judged.map(([, good]) => good)).size).toBe(2)
  })

  test('that is made is the published one', async () => {
    const { nodes } = grown(leaves.map((leaf) => leafHash(Buffer.from(leaf, 'hex').toString('utf8'))))
    for (const one of vectors.inclusion.filter(({ wantErr, treeSize }) => !wantErr && treeSize <= 8)) {
      expect([one.name, await proveInclusion(nodes, one.leafIdx, one.treeSize)]).toEqual([one.name, decoded(one.proof)])
    }
    for (const one of vectors.consistency.filter(({ wantErr, size1, size2 }) => !wantErr && size1 > 0 && size2 <= 8)) {
      expect([one.name, await proveConsistency(nodes, one.size1, one.size2)]).toEqual([one.name, decoded(one.proof)])
    }
  })

  test('is there for every leaf and every two sizes, and good for no other', async () => {
    const hashes = numbered(21)
    const { nodes } = grown(hashes)
    for (let size = 1; size <= hashes.length; size += 1) {
      const root = await rootAt(nodes, size)
      expect(root).toEqual(slowRoot(hashes.slice(0, size)))
      for (let index = 0; index < size; index += 1) {
        const proof = await proveInclusion(nodes, index, size)
        expect(includes({ index, size, leaf: hashes[index]!, root, proof })).toBe(true)
        expect(includes({ index, size, leaf: hashes[(index + 1) % 21]!, root, proof })).toBe(false)
      }
      for (let from = 1; from <= size; from += 1) {
        const [oldRoot, proof] = [await rootAt(nodes, from), await proveConsistency(nodes, from, size)]
        expect([from, size, extendsTree({ from, to: size, oldRoot, newRoot: root, proof })]).toEqual([from, size, true])
        if (from < size) expect(extendsTree({ from, to: size, oldRoot: leafHash('another'), newRoot: root, proof })).toBe(false)
      }
    }
  })

  test('is not made of what is not there', async () => {
    const { nodes } = grown(numbered(3))
    for (const [index, size] of [[3, 3], [-1, 3], [0, 0]] as const) await expect(proveInclusion(nodes, index, size)).rejects.toThrow(RangeError)
    await expect(proveConsistency(nodes, 3, 2)).rejects.toThrow(RangeError)
  })
})

test('A tree grows on from its peaks', async () => {
  const hashes = numbered(19)
  const { nodes, tree } = grown(hashes)
  for (let size = 0; size < hashes.length; size += 1) {
    const again = createTree(size, await peaksAt(nodes, size))
    for (const hash of hashes.slice(size)) again.append(hash)
    expect([again.size, again.root()]).toEqual([19, tree.root()])
  }
  expect(() => createTree(3, [leafHash('one')])).toThrow(RangeError)
})
