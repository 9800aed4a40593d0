/** What a verifier does with a proof of RFC 9162: it needs the proof and two hashes, and no tree. */
import { nodeHash } from './merkle.ts'

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
const isHash = ({ length }: Uint8Array): boolean => length === 32
const whole = (...numbers: number[]): boolean => numbers.every((one) => Number.isSafeInteger(one) && one >= 0)
const half = (number: number): number => Math.floor(number / 2)

/** RFC 9162, 2.1.3.2. */
export function includes({ index, size, leaf, root, proof }: { index: number; size: number; leaf: Uint8Array; root: Uint8Array; proof: readonly Uint8Array[] }): boolean {
  if (!whole(index, size) || index >= size || ![leaf, root, ...proof].every(isHash)) return false
  let [at, last, hash] = [index, size - 1, leaf]
  for (const sibling of proof) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(sibling, hash)
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)]
    } else {
      hash = nodeHash(hash, sibling)
    }
    ;[at, last] = [half(at), half(last)]
  }
  return last === 0 && same(hash, root)
}

/** RFC 9162, 2.1.4.2. A tree extends itself, with no proof; of the empty tree, which tells nothing, there is nothing to prove. */
export function extendsTree({ from, to, oldRoot, newRoot, proof }: { from: number; to: number; oldRoot: Uint8Array; newRoot: Uint8Array; proof: readonly Uint8Array[] }): boolean {
  if (!whole(from, to) || from === 0 || from > to || !proof.every(isHash)) return false
  if (from === to) return proof.length === 0 && same(oldRoot, newRoot)

  // Of a tree that is one complete subtree the verifier has the first hash already.
  const [first, ...rest] = Number.isInteger(Math.log2(from)) ? [oldRoot, ...proof] : proof
  if (first === undefined || proof.length === 0) return false
  let [at, last] = [from - 1, to - 1]
  while (at % 2 === 1) [at, last] = [half(at), half(last)]
  let [before, after] = [first, first]
  for (const sibling of rest) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      before = nodeHash(sibling, before)
      after = nodeHash(sibling, after)
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)]
    } else {
      after = nodeHash(after, sibling)
    }
    ;[at, last] = [half(at), half(last)]
  }
  return last === 0 && same(before, oldRoot) && same(after, newRoot)
}
