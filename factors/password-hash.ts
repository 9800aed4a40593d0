import { pbkdf2, scrypt, timingSafeEqual } from 'node:crypto'
import type { ScryptOptions } from 'node:crypto'
import { promisify } from 'node:util'
import { hashRaw } from '@node-rs/argon2'
import { hash as bcrypt } from '@node-rs/bcrypt'

/** All that decides what a verification costs. `memoryCost` is in KiB, `ln` the binary logarithm of scrypt's N, `length` the hash's in bytes. */
export type HashParameters =
  | { scheme: 'argon2id'; memoryCost: number; timeCost: number; parallelism: number }
  | { scheme: 'bcrypt'; cost: number }
  | { scheme: 'scrypt'; ln: number; r: number; p: number }
  | { scheme: 'pbkdf2'; digest: 'sha256' | 'sha512'; iterations: number; length: number }
export type ParsedHash = HashParameters & { salt: Uint8Array; hash: Uint8Array }
export type UnusableHash = { unusable: string }

/**
 * Reads a stored hash: argon2id, scrypt and PBKDF2 as PHC strings, bcrypt, and PBKDF2 as passlib and Django write it. Unusable is also what
 * would take more than 1 GiB or some ten seconds of a core to verify. The reason never quotes the text: it may be a password in the wrong column.
 */
export function parseHash(stored: string): ParsedHash | UnusableHash {
  if (stored.length > 512) return { unusable: 'longer than any supported hash' }
  switch (/^\$?[a-z0-9_-]+\$/.exec(stored)?.[0]) {
    case '$argon2id$': return parseArgon2id(stored)
    case '$2a$': case '$2b$': case '$2y$': return parseBcrypt(stored)
    case '$scrypt$': return parseScrypt(stored)
    case '$pbkdf2-sha256$': case '$pbkdf2-sha512$': return parsePbkdf2(stored)
    case 'pbkdf2_sha256$': return parseDjango(stored)
    case '$argon2i$': case '$argon2d$': return { unusable: 'argon2i and argon2d are not accepted, only argon2id' }
    default: return { unusable: 'not a supported hash (argon2id, bcrypt, scrypt, PBKDF2 with SHA-256 or SHA-512)' }
  }
}

/** Off the main thread. The password is taken as it is, as UTF-8. */
export async function verifyHash(parsed: ParsedHash, password: string): Promise<boolean> {
  return timingSafeEqual(await derive(parsed, Buffer.from(password)), parsed.hash)
}

/** The parameters as text: `$argon2id$v=19$m=19456,t=2,p=1`, `$2b$12`. One text for every spelling of a hash of this cost. */
export function formatOf(parameters: HashParameters): string {
  switch (parameters.scheme) {
    case 'argon2id': return `$argon2id$v=19$m=${parameters.memoryCost},t=${parameters.timeCost},p=${parameters.parallelism}`
    case 'bcrypt': return `$2b$${String(parameters.cost).padStart(2, '0')}`
    case 'scrypt': return `$scrypt$ln=${parameters.ln},r=${parameters.r},p=${parameters.p}`
    case 'pbkdf2': return `$pbkdf2-${parameters.digest}$i=${parameters.iterations},l=${parameters.length}`
  }
}

/**
 * A hash of a format (of `formatOf`) that is random bytes: no password for it is known to anybody, and verifying it costs what a real one costs.
 * @throws TypeError for a format that no usable hash has
 */
export function dummyHash(format: string, randomBytes: (size: number) => Uint8Array): string {
  const length = Number(/,l=(\d{1,2})$/.exec(format)?.[1] ?? 32)
  const dummy = format.startsWith('$2')
    ? `${format}$${toBcrypt64(randomBytes(16))}${toBcrypt64(randomBytes(23))}`
    : `${format}$${toBase64(randomBytes(16))}$${toBase64(randomBytes(length))}`
  const parsed = parseHash(dummy)
  // A dummy that cannot be verified would cost nothing, and so tell which identifiers are unknown.
  if ('unusable' in parsed || formatOf(parsed) !== format) throw new TypeError('a format that no usable hash has')
  return dummy
}

async function derive(parsed: ParsedHash, password: Buffer): Promise<Uint8Array> {
  const { salt, hash } = parsed
  switch (parsed.scheme) {
    case 'argon2id': {
      // Type and version are the library's defaults: argon2id, 0x13.
      const { memoryCost, timeCost, parallelism } = parsed
      return hashRaw(password, { memoryCost, timeCost, parallelism, salt, outputLen: hash.length })
    }
    case 'bcrypt':
      // bcrypt reads 72 bytes of the password and ignores the rest, here as in other libraries: a longer password must go on to be right.
      return fromBcrypt64((await bcrypt(password, { cost: parsed.cost, salt })).slice(-31))
    case 'scrypt':
      return deriveScrypt(password, salt, hash.length, { N: 2 ** parsed.ln, r: parsed.r, p: parsed.p, maxmem: 2 ** 31 })
    case 'pbkdf2':
      return derivePbkdf2(password, salt, parsed.iterations, hash.length, parsed.digest)
  }
}

const deriveScrypt = promisify<Buffer, Uint8Array, number, ScryptOptions, Buffer>(scrypt)
const derivePbkdf2 = promisify(pbkdf2)

// PHC strings in this form alone: `keyid` and `data` would ask for a key that is not here, and argon2id came with version 19.
function parseArgon2id(stored: string): ParsedHash | UnusableHash {
  const [, m, t, p, salt, hash] = /^\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,3})\$([^$]+)\$([^$]+)$/.exec(stored) ?? []
  const [memoryCost, timeCost, parallelism] = [Number(m), Number(t), Number(p)]
  if (!salt || !hash) return { unusable: 'not a well-formed argon2id hash of version 19' }
  // RFC 9106, section 3.1; the library's p ends at 255.
  const exists = timeCost >= 1 && parallelism >= 1 && parallelism <= 255 && memoryCost >= 8 * parallelism
  if (!exists) return { unusable: 'argon2id parameters that make no sense' }
  if (memoryCost > 2 ** 20 || memoryCost * timeCost > 2 ** 22) return { unusable: 'argon2id too costly: at most m = 1048576 and m * t = 4194304' }
  return withBytes({ scheme: 'argon2id', memoryCost, timeCost, parallelism }, fromBase64(salt), fromBase64(hash))
}

function parseBcrypt(stored: string): ParsedHash | UnusableHash {
  const [, rounds, salt, hash] = /^\$2[aby]\$(\d\d)\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})$/.exec(stored) ?? []
  const cost = Number(rounds)
  if (!salt || !hash) return { unusable: 'not a well-formed bcrypt hash' }
  if (cost < 4 || cost > 16) return { unusable: 'bcrypt cost not between 4 and 16' }
  return { scheme: 'bcrypt', cost, salt: fromBcrypt64(salt), hash: fromBcrypt64(hash) }
}

function parseScrypt(stored: string): ParsedHash | UnusableHash {
  const [, log, size, lanes, salt, hash] = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([^$]+)\$([^$]+)$/.exec(stored) ?? []
  const [ln, r, p] = [Number(log), Number(size), Number(lanes)]
  if (!salt || !hash) return { unusable: 'not a well-formed scrypt hash with r and p below 100' }
  if (ln < 1 || r < 1 || p < 1 || ln >= 16 * r) return { unusable: 'scrypt parameters that make no sense' } // RFC 7914, section 2
  // N * r * p blocks of 128 bytes: a bound on the time, and as p is 1 or more, 1 GiB on the memory.
  if (2 ** ln * r * p > 2 ** 23) return { unusable: 'scrypt too costly: at most 2^ln * r * p = 8388608' }
  return withBytes({ scheme: 'scrypt', ln, r, p }, fromBase64(salt), fromBase64(hash))
}

// PHC: `i=600000,l=32`. passlib: the bare number, and '.' for '+' in its base64.
function parsePbkdf2(stored: string): ParsedHash | UnusableHash {
  const [, digest, i, l, salt, hash] = /^\$pbkdf2-(sha256|sha512)\$(?:i=)?(\d{1,9})(?:,l=(\d{1,2}))?\$([^$]+)\$([^$]+)$/.exec(stored) ?? []
  if (!salt || !hash) return { unusable: 'not a well-formed PBKDF2 hash' }
  const bytes = fromBase64(hash.replaceAll('.', '+'))
  if (l && Number(l) !== bytes.length) return { unusable: 'a PBKDF2 hash that is not as long as it says' }
  return pbkdf2Hash(digest as 'sha256' | 'sha512', Number(i), fromBase64(salt.replaceAll('.', '+')), bytes)
}

// The salt is text, the hash base64 with padding: 32 bytes end in one '='.
function parseDjango(stored: string): ParsedHash | UnusableHash {
  const [, i, salt, hash] = /^pbkdf2_sha256\$(\d{1,9})\$([^$]+)\$([^$]{43})=$/.exec(stored) ?? []
  if (!salt || !hash) return { unusable: 'not a well-formed Django PBKDF2 hash' }
  return pbkdf2Hash('sha256', Number(i), Buffer.from(salt), fromBase64(hash))
}

function pbkdf2Hash(digest: 'sha256' | 'sha512', iterations: number, salt: Uint8Array, hash: Uint8Array): ParsedHash | UnusableHash {
  // Every block of output takes all iterations (RFC 8018, section 5.2).
  const blocks = Math.ceil(hash.length / (digest === 'sha256' ? 32 : 64))
  if (iterations < 1 || iterations * blocks > 5_000_000) return { unusable: 'PBKDF2 iterations not between 1 and 5000000 (of all blocks together)' }
  return withBytes({ scheme: 'pbkdf2', digest, iterations, length: hash.length }, salt, hash)
}

/** A hash of no bytes would be equal to that of every password, one of few bytes to that of many. RFC 9106, section 3.1, asks for 8 bytes of salt. */
function withBytes(parameters: HashParameters, salt: Uint8Array, hash: Uint8Array): ParsedHash | UnusableHash {
  if (salt.length < (parameters.scheme === 'argon2id' ? 8 : 1)) return { unusable: 'a salt that is not base64, or too short' }
  if (hash.length < 16 || hash.length > 64) return { unusable: 'a hash that is not base64, or not of 16 to 64 bytes' }
  return { ...parameters, salt, hash }
}

const toBase64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '')

/** Empty when the text is not base64 without padding: Node skips what it cannot read. */
const fromBase64 = (text: string): Uint8Array => {
  const bytes = Buffer.from(text, 'base64')
  return toBase64(bytes) === text ? bytes : new Uint8Array()
}

// bcrypt has an alphabet of its own. Unused bits at the end are dropped, as its reference does: old libraries left some set.
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const bcryptAlphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const translate = (text: string, from: string, to: string) => text.replace(/./g, (letter) => to.charAt(from.indexOf(letter)))
const toBcrypt64 = (bytes: Uint8Array) => translate(toBase64(bytes), alphabet, bcryptAlphabet)
const fromBcrypt64 = (text: string): Uint8Array => Buffer.from(translate(text, bcryptAlphabet, alphabet), 'base64')
