import { createHash, randomBytes as systemRandomBytes } from 'node:crypto'
import { hash as argon2id } from '@node-rs/argon2'
import type { HashGate } from './hash-gate.ts'
import { createBlocklist, type Blocklist } from './password-blocklist.ts'
import { dummyHash, formatOf, parseHash, verifyHash } from './password-hash.ts'
import type { ParsedHash } from './password-hash.ts'

export type PasswordVerdict = { verdict: 'right'; rehash: boolean } | { verdict: 'wrong' }

export type Passwords = {
  /**
   * `rehash` asks for a new hash of the same password: the stored one is not argon2id, or weaker than what is made today.
   * @throws HashQueueFull; Error for a stored hash that `parseHash` refuses, which the import should not have let in
   */
  verify(stored: string, password: string): Promise<PasswordVerdict>
  /** argon2id, as a PHC string. @throws HashQueueFull */
  hash(password: string): Promise<string>
  /**
   * What an unknown identifier is verified against. A selector (an HMAC of the identifier) has always the same one, and mostly keeps it when the
   * formats change. `formats`: how often each occurs among the accounts, as `formatOf` writes them. None: our own alone.
   * @throws TypeError for a format that no usable hash has
   */
  decoy(selector: Uint8Array, formats: ReadonlyMap<string, number>): string
  /** May it be set as a password of somebody with these identifiers? To 1024 bytes of UTF-8, after normalization as the least length is. */
  acceptable(password: string, identifiers?: readonly string[]): true | 'too_short' | 'too_long' | 'guessable'
}

export type PasswordOptions = {
  gate: HashGate
  /** `memoryCost` in KiB. */
  argon2?: { memoryCost: number; timeCost: number; parallelism: number }
  /** Code points. Default: 8; NIST SP 800-63B-4, 3.1.1.2 wants 15 where the password is all that is asked for. */
  minLength?: number
  /** Default: none is refused. */
  blocklist?: Blocklist
  randomBytes?: (size: number) => Uint8Array
}

/** The password never leaves this file but to be hashed. */
export function createPasswords(options: PasswordOptions): Passwords {
  const { gate, argon2 = owasp, minLength = 8, blocklist = createBlocklist({ passwords: [], words: [] }), randomBytes = systemRandomBytes } = options
  const own = formatOf({ scheme: 'argon2id', ...argon2 })
  const decoys = new Map<string, string>()

  const outdated = (stored: ParsedHash, password: string) => {
    if (stored.scheme === 'argon2id') return stored.memoryCost < argon2.memoryCost || stored.timeCost < argon2.timeCost
    // bcrypt did not look beyond 72 bytes: what follows them may be mistyped, and must not become the password.
    return stored.scheme !== 'bcrypt' || Buffer.byteLength(password) <= 72
  }

  return {
    verify: async (stored, password) => {
      const parsed = parseHash(stored)
      if ('unusable' in parsed) throw new Error(`unusable stored hash: ${parsed.unusable}`)
      // Our hashes are of the normalized password, imported ones of the bytes as typed, and an imported argon2id looks like ours: so both count.
      // A second hash is computed only where the two differ and the first was wrong. The time so depends on what was typed and on the verdict,
      // and tells nothing about the account that the answer does not: a decoy takes as long as a wrong password.
      const normal = normalize(password)
      const right = await gate.run(async () =>
        (await verifyHash(parsed, password)) || (normal !== password && (await verifyHash(parsed, normal))))
      return right ? { verdict: 'right', rehash: outdated(parsed, password) } : { verdict: 'wrong' }
    },
    hash: (password) => gate.run(() => argon2id(Buffer.from(normalize(password)), { ...argon2, salt: randomBytes(16) })),
    decoy(selector, formats) {
      const format = chosenOf(selector, formats) ?? own
      const decoy = decoys.get(format) ?? dummyHash(format, randomBytes)
      decoys.set(format, decoy)
      return decoy
    },
    acceptable: (password, identifiers = []) => {
      const normal = normalize(password)
      if (Buffer.byteLength(normal) > 1024) return 'too_long'
      if ([...normal].length < minLength) return 'too_short'
      return blocklist(normal, identifiers) ? 'guessable' : true
    },
  }
}

/**
 * Each format as likely as it is frequent, by weighted rendezvous hashing (Schindelhauer and Schomaker, 2005): when a format becomes more or less
 * frequent, only the selectors change that must. One that changed whenever somebody was imported would tell that nobody owns the identifier.
 */
function chosenOf(selector: Uint8Array, formats: ReadonlyMap<string, number>): string | undefined {
  let [chosen, lowest]: [string | undefined, number] = [undefined, Infinity]
  for (const [format, weight] of formats) {
    const drawn = createHash('sha256').update(selector).update(format).digest().readUIntBE(0, 6)
    const score = weight > 0 ? -Math.log((drawn + 1) / (2 ** 48 + 1)) / weight : Infinity
    if (score < lowest) [chosen, lowest] = [format, score]
  }
  return chosen
}

// OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
const owasp = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

// So that the same password typed on another keyboard or system is the same bytes. NIST SP 800-63B-4, 3.1.1.2 would have NFC do; NFKC makes digits and
// letters of another width the same too. Hashes rest on it: another form must be tried beside this one, not in its place.
const normalize = (password: string) => password.normalize('NFKC')
