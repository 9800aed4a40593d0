/** The Merkle tree of RFC 9162, section 2.1 (the same as that of RFC 6962): hashes, the growing tree, and what a proof of it takes. */
import { hash } from 'node:crypto'

export type Hash = Buffer

const sha256 = (bytes: string | Uint8Array): Hash => hash('sha256', bytes, 'buffer')

/** Of a leaf's text, in UTF-8. The first byte tells leaves from nodes: without it a node could be passed off as a leaf (RFC 9162, 2.1.1). */
export const leafHash = (leaf: string): Hash => sha256(`\0${leaf}`)

const pair = Buffer.alloc(65, 1)
export function nodeHash(left: Uint8Array, right: Uint8Array): Hash {
  // One buffer for all: it is read before the call returns.
  pair.set(left, 1)
  pair.set(right, 33)
  return sha256(pair)
}

export const emptyRoot: Hash = sha256('')

/** A complete subtree: 2^level leaves, the index-th of this size. */
export type Place = { level: number; index: number }

export type Tree = {
  readonly size: number
  /** @returns the hashes of all complete subtrees that end with this leaf: itself, then the larger ones */
  append(leaf: Hash): Hash[]
  root(): Hash
  peaks(): Hash[]
  copy(): Tree
}

/** A tree that grows by a leaf at a time. It keeps its peaks alone: the roots of its complete subtrees, the largest first. */
export function createTree(size = 0, peaks: readonly Uint8Array[] = []): Tree {
  const tops = [...peaks] as Hash[]
  if (tops.length !== covering(0, size).length) throw new RangeError(`${tops.length} peaks are not those of ${size} leaves`)
  let count = size
  return {
    get size(): number {
      return count
    },
    append(leaf: Hash): Hash[] {
      const completed = [leaf]
      let last = leaf
      for (let left = count; left % 2 === 1; left = (left - 1) / 2) completed.push((last = nodeHash(tops.pop() as Hash, last)))
      tops.push(last)
      count += 1
      return completed
    },
    root: (): Hash => (count === 0 ? emptyRoot : joined(tops)),
    peaks: (): Hash[] => [...tops],
    copy: (): Tree => createTree(count, tops),
  }
}

/** The subtrees of a range, largest first, under one root. */
const joined = (hashes: readonly Uint8Array[]): Hash => hashes.reduceRight((right, left) => nodeHash(left, right)) as Hash

/** The largest power of two that is smaller than `count`, which is 2 or more. */
const splitOf = (count: number): number => 2 ** Math.floor(Math.log2(count - 1))

type Range = readonly [from: number, to: number]

/** The complete subtrees that a range of leaves is made of; it begins where a subtree as large as it would. */
export function covering(from: number, to: number): Place[] {
  const places: Place[] = []
  for (let at = from; at < to; ) {
    const level = Math.floor(Math.log2(to - at))
    places.push({ level, index: at / 2 ** level })
    at += 2 ** level
  }
  return places
}

/** RFC 9162, 2.1.3.1: PATH(m, D[n]). */
function inclusionRanges(leaf: number, from: number, to: number): Range[] {
  if (to - from <= 1) return []
  const middle = from + splitOf(to - from)
  return leaf < middle ? [...inclusionRanges(leaf, from, middle), [middle, to]] : [...inclusionRanges(leaf, middle, to), [from, middle]]
}

/** RFC 9162, 2.1.4.1: SUBPROOF(m, D[n], b). */
function consistencyRanges(old: number, from: number, to: number, known: boolean): Range[] {
  if (old === to) return known ? [] : [[from, to]]
  const middle = from + splitOf(to - from)
  return old <= middle ? [...consistencyRanges(old, from, middle, known), [middle, to]] : [...consistencyRanges(old, middle, to, false), [from, middle]]
}

/** Looks up the hashes of complete subtrees. */
export type Nodes = (places: readonly Place[]) => Promise<readonly Uint8Array[]>

async function hashesOf(nodes: Nodes, ranges: readonly Range[]): Promise<Hash[]> {
  const places = ranges.map(([from, to]) => covering(from, to))
  const found = await nodes(places.flat())
  let at = 0
  return places.map(({ length }) => joined(found.slice(at, (at += length))))
}

/** That the leaf is the `index`-th of the first `size`. @throws RangeError */
export async function proveInclusion(nodes: Nodes, index: number, size: number): Promise<Hash[]> {
  if (!(index >= 0 && index < size)) throw new RangeError(`leaf ${index} is not in a tree of ${size}`)
  return hashesOf(nodes, inclusionRanges(index, 0, size))
}

/** The same for many leaves, with one look-up. @throws RangeError */
export async function proveInclusions(nodes: Nodes, indexes: readonly number[], size: number): Promise<Hash[][]> {
  if (indexes.some((index) => !(index >= 0 && index < size))) throw new RangeError(`a leaf is not in a tree of ${size}`)
  const ranges = indexes.map((index) => inclusionRanges(index, 0, size))
  const keyOf = ([from, to]: Range): string => `${from}-${to}`
  const each = new Map(ranges.flat().map((range) => [keyOf(range), range]))
  const hashes = await hashesOf(nodes, [...each.values()])
  const found = new Map([...each.keys()].map((key, at) => [key, hashes[at] as Hash]))
  return ranges.map((some) => some.map((range) => found.get(keyOf(range)) as Hash))
}

/** That the first `from` leaves of the tree of `to` are those of the tree of `from`. @throws RangeError */
export async function proveConsistency(nodes: Nodes, from: number, to: number): Promise<Hash[]> {
  if (!(from > 0 && from <= to)) throw new RangeError(`a tree of ${to} does not extend one of ${from}`)
  return hashesOf(nodes, consistencyRanges(from, 0, to, true))
}

/** The peaks of the tree as it was when it had `size` leaves. */
export const peaksAt = (nodes: Nodes, size: number): Promise<readonly Uint8Array[]> => nodes(covering(0, size))

export const rootAt = async (nodes: Nodes, size: number): Promise<Hash> => (size === 0 ? emptyRoot : joined(await peaksAt(nodes, size)))
