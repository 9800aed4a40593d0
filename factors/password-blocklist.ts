/** Passwords that are tried first, and are refused when one is set (NIST SP 800-63B-4, 3.1.1.2; OWASP ASVS 5.0, 6.2.4, 6.2.11, 6.2.12). */

/** `own`: the identifiers of the account. Is it a password of the list, or a word of the service's or of `own` with nothing but digits and signs around it? */
export type Blocklist = (password: string, own: readonly string[]) => boolean

/** `words`: what anybody knows of the service, such as its names and domains. */
export function createBlocklist({ passwords, words }: { passwords: Iterable<string>; words: readonly string[] }): Blocklist {
  const listed = new Set(Array.from(passwords, fold))
  const known = coresOf(words)
  return (password, own) => {
    // The whole password alone is compared: what merely contains a word may be a good one.
    const core = coreOf(password)
    return listed.has(fold(password)) || (core !== '' && (known.has(core) || coresOf(own).has(core)))
  }
}

/** As many passwords as a list must have to be worth the name (OWASP ASVS 5.0, 6.2.4). */
export const leastListed = 3_000

const fold = (text: string): string => text.normalize('NFKC').toLowerCase()

/** `Northwind-2026!` and `northwindnorthwind` are both `northwind`; of a phone number all digits count. */
function coreOf(text: string): string {
  const plain = fold(text).replace(/[^\p{L}\p{N}]/gu, '')
  const letters = plain.replace(/^\p{N}+|\p{N}+$/gu, '')
  const once = /^(.+?)\1+$/su.exec(letters)
  return once?.[1] ?? (letters || plain)
}

/** A word, and each part of it that a dot, an at sign or a space sets apart, from three characters on: `ada@example.com`, `ada`, `example`, `com`. */
const coresOf = (words: readonly string[]): Set<string> =>
  new Set(words.flatMap((word) => [word, ...word.split(/[^\p{L}\p{N}]+/u)]).map(coreOf).filter((core) => [...core].length > 2))
