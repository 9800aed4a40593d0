/**
 * Which keys have been there, in a megabyte, however many they are: never wrong about one that has, and the more there were the more often about one
 * that has not (Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970): 2 % after a million of them.
 */
export const createSeenKeys = (bits = 2 ** 23) => {
  const words = new Uint32Array(bits / 32)
  /** Four places of two hashes (Kirsch and Mitzenmacher, "Less hashing, same performance", 2006); the hash is FNV-1a. */
  const each = (key: string, visit: (word: number, bit: number) => boolean): boolean => {
    let hash = 0x811c9dc5
    for (let n = 0; n < key.length; n++) hash = Math.imul(hash ^ key.charCodeAt(n), 0x01000193)
    const step = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) | 1
    for (let n = 0; n < 4; n++, hash = (hash + step) | 0) {
      const place = (hash >>> 0) % bits
      if (!visit(place >>> 5, 1 << (place & 31))) return false
    }
    return true
  }
  return {
    add: (key: string): void =>
      void each(key, (word, bit) => {
        words[word]! |= bit
        return true
      }),
    has: (key: string): boolean => each(key, (word, bit) => (words[word]! & bit) !== 0),
  }
}
