/**
 * Whether a signature of ES256 is written in DER (ITU-T X.690, section 10), as WebAuthn Level 3, section 6.5.5, demands: a SEQUENCE (RFC 3279,
 * section 2.2.3) of two INTEGERs, each with the fewest bytes. The library reads BER, in which one signature can be written in many ways.
 */
export function isEcdsaSignature(signature: Uint8Array): boolean {
  const [tag, length, , lengthOfR = 0] = signature
  const s = 4 + lengthOfR
  return tag === 0x30 && length === signature.length - 2 && isInteger(signature.subarray(2, s)) && isInteger(signature.subarray(s))
}

/** Of at most 256 bits and not negative. A first byte of zero is there only to keep the next one from being read as a sign. */
function isInteger([tag, length, ...value]: Uint8Array): boolean {
  const [first = 0x80, second = 0x80] = value
  if (tag !== 0x02 || length !== value.length || first >= 0x80) return false
  return first === 0 ? value.length <= 33 && second >= 0x80 : value.length <= 32
}
