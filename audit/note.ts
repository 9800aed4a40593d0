/** Signed notes and checkpoints, as the transparency logs of others have them: c2sp.org/signed-note and c2sp.org/tlog-checkpoint, Ed25519. */
import { createPrivateKey, createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto'

/** Whoever holds it, and knows whose it is, can check the notes of this name. */
export type Verifier = { name: string; id: string; key: KeyObject; vkey: string }
export type Signer = { name: string; id: string; key: KeyObject; vkey: string }
export type Checkpoint = { origin: string; size: number; root: Buffer }

/** It is no note, or not signed by whom it should be. */
export class BadNote extends Error {
  readonly code = 'bad_note'
}

/** The type of signature (signed-note, "Signature types"): Ed25519. */
const ed25519 = Buffer.of(1)
/** What stands before the 32 bytes of an Ed25519 key in DER (RFC 8410). */
const privateDer = Buffer.from('302e020100300506032b657004220420', 'hex')
const publicDer = Buffer.from('302a300506032b6570032100', 'hex')
const mostSignatures = 100

/** Base64 with padding and nothing else, so that a byte that was changed is a byte that is wrong. @throws BadNote */
export function fromBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw new BadNote('not base64')
  return bytes
}

const idOf = (name: string, publicKey: Uint8Array): string => hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), ed25519, publicKey]), 'hex').slice(0, 8)
const isName = (name: string): boolean => name !== '' && !/[\s+\p{Zs}]/u.test(name)
const vkeyOf = (name: string, publicKey: Uint8Array): string => `${name}+${idOf(name, publicKey)}+${Buffer.concat([ed25519, publicKey]).toString('base64')}`

/** `seed`: the 32 bytes of the private key (RFC 8032, 5.1.5). */
export function signerOf(name: string, seed: Uint8Array): Signer {
  if (!isName(name) || seed.length !== 32) throw new TypeError('not the name and the key of a signer')
  const key = createPrivateKey({ key: Buffer.concat([privateDer, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(publicDer.length)
  return { name, id: idOf(name, publicKey), key, vkey: vkeyOf(name, publicKey) }
}

/** Reads a verifier key, `<name>+<id>+<base64>`. @throws BadNote */
export function verifierOf(vkey: string): Verifier {
  const [, name = '', id = '', encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/s.exec(vkey) ?? []
  const bytes = fromBase64(encoded)
  if (!isName(name) || bytes.length !== 33 || bytes[0] !== 1 || idOf(name, bytes.subarray(1)) !== id) throw new BadNote('not the verifier key of an Ed25519 signer')
  return { name, id, vkey, key: createPublicKey({ key: Buffer.concat([publicDer, bytes.subarray(1)]), format: 'der', type: 'spki' }) }
}

/** `text`: whole lines. @throws BadNote */
export function signNote(text: string, ...signers: readonly Signer[]): string {
  if (!isText(text)) throw new BadNote('a note is lines of text')
  const lines = signers.map(({ name, id, key }) => `— ${name} ${Buffer.concat([Buffer.from(id, 'hex'), sign(null, Buffer.from(text), key)]).toString('base64')}\n`)
  return `${text}\n${lines.join('')}`
}

const isText = (text: string): boolean => text.endsWith('\n') && text.isWellFormed() && !/[\0-\x09\x0b-\x1f]/.test(text)

/** The text of a note that the verifier's key has signed; signatures of others are passed over. @throws BadNote */
export function openNote(note: string, { name, id, key }: Verifier): string {
  const end = note.lastIndexOf('\n\n')
  const text = note.slice(0, end + 1)
  const lines = note.slice(end + 2).split('\n')
  if (end < 0 || !isText(note) || lines.pop() !== '' || lines.length === 0 || lines.length > mostSignatures) throw new BadNote('not a signed note')
  let signed = false
  for (const line of lines) {
    const [, by = '', encoded = ''] = /^— (\S+) (\S+)$/.exec(line) ?? []
    const bytes = fromBase64(encoded)
    if (!isName(by) || bytes.length < 5) throw new BadNote('not a signed note')
    if (by !== name || bytes.toString('hex', 0, 4) !== id) continue
    if (!verify(null, Buffer.from(text), key, bytes.subarray(4))) throw new BadNote(`the signature of ${name} is wrong`)
    signed = true
  }
  if (!signed) throw new BadNote(`${name} (${id}) has not signed this`)
  return text
}

export const checkpointText = ({ origin, size, root }: Checkpoint): string => `${origin}\n${size}\n${root.toString('base64')}\n`

/** Lines beyond the third are let be, as c2sp.org/tlog-checkpoint has it. @throws BadNote */
export function readCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', root = '', ...others] = text.split('\n')
  const bytes = fromBase64(root)
  if (origin === '' || !/^(0|[1-9]\d{0,15})$/.test(size) || !Number.isSafeInteger(Number(size)) || bytes.length !== 32) throw new BadNote('not a checkpoint')
  if (others.pop() !== '' || others.includes('')) throw new BadNote('not a checkpoint')
  return { origin, size: Number(size), root: bytes }
}

/** A checkpoint that this verifier has signed for a log of its own name. @throws BadNote */
export function openCheckpoint(note: string, verifier: Verifier): Checkpoint {
  const checkpoint = readCheckpoint(openNote(note, verifier))
  if (checkpoint.origin !== verifier.name) throw new BadNote(`a checkpoint of ${checkpoint.origin}, signed by ${verifier.name}`)
  return checkpoint
}
