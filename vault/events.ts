/** The storage format of `key-<uuid>`: wrapped keys. The last event counts; sealing the stream forgets what the key hid. */
import { z } from 'zod'
import { Base64Url, clear, event, Instant, type EventOf, type Fact } from '../domain/event.ts'

export const keyEvents = {
  KeyWrapped: event('This key exists, wrapped under the master key that is named. A later event of the stream is the same key under another master key.', {
    purpose: clear(z.enum(['account', 'period', 'lookup', 'root', 'ledger'])),
    master: clear(z.string()),
    wrapped: clear(Base64Url),
  }),
  SigningKeyAdded: event('This key is published in the JWKS from here on and signs access tokens ten minutes later, the very first one at once; the public half of the one before stays for a day after that.', {
    kid: clear(z.string()),
    publicJwk: clear(z.record(z.string(), z.string())),
    master: clear(z.string()),
    wrapped: clear(Base64Url),
  }),
  SigningKeyRewrapped: event('The key with this name, which the stream had since `addedAt`, is wrapped under another master key from here on. It is the same key; all that is known of it stands here, so that what came before may go.', {
    kid: clear(z.string()),
    publicJwk: clear(z.record(z.string(), z.string())),
    addedAt: clear(Instant),
    master: clear(z.string()),
    wrapped: clear(Base64Url),
  }),
}
export type KeyEvent = EventOf<typeof keyEvents>
export type WrappedKey = { master: string; wrapped: string }
export type KeyPurpose = (KeyEvent & { type: 'KeyWrapped' })['data']['purpose']
export type SigningKey = WrappedKey & { kid: string; publicJwk: Record<string, string>; addedAt: string }
export type KeyState = { key: (WrappedKey & { purpose: KeyPurpose }) | null; signing: readonly SigningKey[] }

export function evolve(state: KeyState | undefined, fact: Fact<KeyEvent>): KeyState {
  const before = state ?? { key: null, signing: [] }
  switch (fact.type) {
    case 'KeyWrapped':
      return { ...before, key: fact.data }
    case 'SigningKeyAdded':
      return { ...before, signing: [...before.signing, { ...fact.data, addedAt: fact.at }] }
    case 'SigningKeyRewrapped':
      return { ...before, signing: withKey(before.signing, fact.data) }
  }
}

/** In its place, since the order is that in which they come to sign. */
const withKey = (signing: readonly SigningKey[], key: SigningKey): readonly SigningKey[] =>
  signing.some(({ kid }) => kid === key.kid) ? signing.map((one) => (one.kid === key.kid ? key : one)) : [...signing, key]
