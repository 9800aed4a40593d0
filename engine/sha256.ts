import { z } from 'zod'

/** A SHA-256 in the configuration, as hex in the form `hex` or as base64url; read as base64url. `of`: what it is the hash of, for the message. */
export const sha256Of = (of: string, { hex, called }: { hex: RegExp; called: string }) =>
  z.string().transform((text, context) => {
    const isHex = hex.test(text)
    const bytes = isHex ? Buffer.from(text.replaceAll(':', ''), 'hex') : Buffer.from(text, 'base64url')
    const canonical = bytes.toString('base64url')
    // The decoder skips what it does not know: a value with a slip in it must not pass for another one.
    if (bytes.length === 32 && (isHex || canonical === text)) return canonical
    // The value is not shown: somebody may have put the secret itself there.
    context.issues.push({ code: 'custom', input: undefined, message: `must be the SHA-256 of ${of}: 32 bytes as ${called} or base64url` })
    return z.NEVER
  })
