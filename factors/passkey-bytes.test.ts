/** One byte changed, anywhere: in assertions, in self-attested creations, and where a rule covers it in creations without attestation. */
import { describe, expect, test } from 'vitest'
import type { PasskeyFault } from './passkey-errors.ts'
import { readAssertion, verifyRequest } from './passkey-request.ts'
import { verifyCreation } from './passkey.ts'
import { challenge, create, ios, register, rp, user, withAttestation, withClientData, withData, withPart } from './testing-passkey.ts'

/** What a byte is combined with: each of its bits, and with PROVE every other value that it can have. */
const changes = process.env['PROVE'] ? Array.from({ length: 255 }, (_, index) => index + 1) : [1, 2, 4, 8, 16, 32, 64, 128]

type Outcome = PasskeyFault | 'good'
/** Changes one part of an answer and has the answer judged. */
type Judge = (change: (part: Buffer) => Buffer) => Promise<Outcome>

/** Changes the bytes of a part from `from` to `to`, one at a time. `outcome`: of a part that looks like this now. */
async function expectEach(judge: Judge, [from, to]: readonly [number, number], outcome: (now: Buffer) => Outcome) {
  expect(await judge((part) => part)).toBe('good')
  for (let at = from; at < to; at++) {
    for (const change of changes) {
      let expected: Outcome = 'good'
      const judged = await judge((part) => {
        const now = Buffer.from(part).fill(part.readUInt8(at) ^ change, at, at + 1)
        expected = outcome(now)
        return now
      })
      expect(judged, `byte ${at} combined with ${change}`).toBe(expected)
    }
  }
}

const always = (outcome: Outcome) => () => outcome

/** A byte that breaks the JSON is found out before any rule. */
const unlessBroken = (fault: PasskeyFault) => (json: Buffer) => {
  try {
    JSON.parse(json.toString())
    return fault
  } catch {
    return 'malformed'
  }
}

/** Where a value stands in client data, between its quotes. */
function within(clientData: string, value: string): [number, number] {
  const at = Buffer.from(clientData, 'base64url').indexOf(`"${value}"`) + 1
  return [at, at + value.length]
}

const bit = (data: Buffer, index: number) => (data.readUInt8(32) & (1 << index)) !== 0
const length = (text: string) => Buffer.byteLength(text, 'base64url')

/** Authenticator data: RP ID hash, flags (UP 0, UV 2, BE 3, BS 4, AT 6, ED 7), counter (section 6.1). */
const field = { rpIdHash: [0, 32], flags: [32, 33], counter: [33, 37], aaguid: [37, 53], credentialId: [55, 71] } as const

describe('one byte changed in an assertion', async () => {
  const { passkey, signIn } = await register()
  const answer = await signIn()
  const { clientDataJSON, signature } = answer.response
  const judge = (part: 'clientDataJSON' | 'authenticatorData' | 'signature'): Judge => async (change) => {
    const verdict = await verifyRequest({ rp, challenge, passkey, response: withPart(answer, part, change) })
    return verdict.verdict === 'good' ? 'good' : verdict.reason
  }

  test.each([
    ['type', 'webauthn.get', 'wrong_type'],
    ['challenge', challenge, 'wrong_challenge'],
    ['origin', ios, 'wrong_origin'],
  ] as const)('%s', (_, value, fault) => expectEach(judge('clientDataJSON'), within(clientDataJSON, value), unlessBroken(fault)))

  test('RP ID hash', () => expectEach(judge('authenticatorData'), field.rpIdHash, always('wrong_rp')))

  test('flags', () => expectEach(judge('authenticatorData'), field.flags, (data) => {
    if (bit(data, 6) || bit(data, 7)) return 'malformed'
    if (!bit(data, 0)) return 'user_not_present'
    if (!bit(data, 2)) return 'user_not_verified'
    if (!bit(data, 3)) return bit(data, 4) ? 'bad_backup_flags' : 'backup_eligibility_changed'
    return 'bad_signature'
  }))

  test('counter', () => expectEach(judge('authenticatorData'), field.counter, always('bad_signature')))

  test('signature', () => expectEach(judge('signature'), [0, length(signature)], always('bad_signature')))

  test.each([-8, -257] as const)('signature of algorithm %i', async (algorithm) => {
    const { passkey, signIn } = await register({ algorithm })
    const answer = await signIn()
    const judge: Judge = async (change) => {
      const verdict = await verifyRequest({ rp, challenge, passkey, response: withPart(answer, 'signature', change) })
      return verdict.verdict === 'good' ? 'good' : verdict.reason
    }
    await expectEach(judge, [0, length(answer.response.signature)], always('bad_signature'))
  })

  test('any other byte of the client data', () =>
    expectEach(judge('clientDataJSON'), [0, length(clientDataJSON)], (json) => {
      try {
        const { type, challenge: answered, origin, crossOrigin } = JSON.parse(json.toString())
        if (type !== 'webauthn.get') return 'wrong_type'
        if (answered !== challenge) return 'wrong_challenge'
        if (origin !== ios) return 'wrong_origin'
        return crossOrigin ? 'cross_origin' : 'bad_signature'
      } catch {
        return 'malformed'
      }
    }))

  test('credential id', () => {
    const judge: Judge = async (change) => {
      const id = change(Buffer.from(answer.id, 'base64url')).toString('base64url')
      const verdict = await verifyRequest({ rp, challenge, passkey, response: { ...answer, id, rawId: id } })
      return verdict.verdict === 'good' ? 'good' : verdict.reason
    }
    return expectEach(judge, [0, length(answer.id)], always('id_mismatch'))
  })

  test('user handle: it names another account, whose passkey this is not', async () => {
    for (let at = 0; at < 16; at++) {
      for (const change of changes) {
        const other = withPart(answer, 'userHandle', (handle) => handle.fill(handle.readUInt8(at) ^ change, at, at + 1))
        const account = readAssertion(other)?.account
        expect(account).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
        expect(account).not.toBe(user.account)
      }
    }
  })
})

describe.each(['self', 'none'] as const)('one byte changed in a creation with attestation %s', async (attestation) => {
  const creation = await create({ random: (bytes) => Buffer.alloc(bytes, 7) }, { attestation })
  const { clientDataJSON } = creation.response
  const attested = attestation === 'self'
  const judged = async (response: unknown) => {
    const verdict = await verifyCreation({ rp, challenge, mode: 'manual', response })
    return verdict.verdict === 'good' ? 'good' : verdict.reason
  }
  const clientData: Judge = (change) => judged(withClientData(creation, change))
  const data: Judge = (change) => judged(withData(creation, change))

  test.each([
    ['type', 'webauthn.create', 'wrong_type'],
    ['challenge', challenge, 'wrong_challenge'],
    ['origin', ios, 'wrong_origin'],
  ] as const)('%s', (_, value, fault) => expectEach(clientData, within(clientDataJSON, value), unlessBroken(fault)))

  test('RP ID hash', () => expectEach(data, field.rpIdHash, always('wrong_rp')))

  test('flags', () => expectEach(data, field.flags, (data) => {
    if (!bit(data, 6) || bit(data, 7)) return 'malformed'
    if (!bit(data, 0)) return 'user_not_present'
    if (!bit(data, 2)) return 'user_not_verified'
    if (attested) return 'bad_attestation'
    return bit(data, 4) && !bit(data, 3) ? 'bad_backup_flags' : 'good'
  }))

  // Without attestation nothing vouches for the counter and the AAGUID, and the id must be the one beside it.
  test('counter', () => expectEach(data, field.counter, always(attested ? 'bad_attestation' : 'good')))
  test('AAGUID', () => expectEach(data, field.aaguid, always(attested ? 'bad_attestation' : 'good')))
  test('attested credential id', () => expectEach(data, field.credentialId, always(attested ? 'bad_attestation' : 'id_mismatch')))

  test('credential id beside it', () => {
    const judge: Judge = (change) => {
      const id = change(Buffer.from(creation.id, 'base64url')).toString('base64url')
      return judged({ ...creation, id, rawId: id })
    }
    return expectEach(judge, [0, length(creation.id)], always('id_mismatch'))
  })

  if (attested) test('signature', async () => {
    let size = 0
    const judge: Judge = (change) => judged(withAttestation(creation, (object) => {
      const statement = object.get('attStmt') as Map<string, Uint8Array>
      const signature = Buffer.from(statement.get('sig') ?? [])
      size = signature.length
      statement.set('sig', Uint8Array.from(change(signature)))
    }))
    expect(await judge((signature) => signature)).toBe('good')
    await expectEach(judge, [0, size], always('bad_attestation'))
  })
})
