import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto'

export type Otp = {
  /** The six digits of the session's `issue`-th code. Nothing is kept: after a crash the same code can be sent again. */
  code(session: string, issue: number): string
  /** White space in what was typed does not count, everything else does. */
  matches(session: string, issue: number, typed: string): boolean
}

/** `key`: 32 bytes, of these codes alone. */
export function createOtp(key: KeyObject): Otp {
  const code = (session: string, issue: number) => {
    // JSON keeps the two apart: no other session and issue give the same text.
    const mac = createHmac('sha256', key).update(JSON.stringify([session, issue])).digest()
    // 64 bits: no code is likelier than another by more than one part in 10^13.
    return String(mac.readBigUInt64BE() % 1_000_000n).padStart(6, '0')
  }
  return {
    code,
    matches: (session, issue, typed) => {
      const digits = typed.replace(/\s/g, '')
      return /^[0-9]{6}$/.test(digits) && timingSafeEqual(Buffer.from(digits), Buffer.from(code(session, issue)))
    },
  }
}
