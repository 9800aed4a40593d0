/** `user.id` is the 16 bytes of the account's UUID: random, and nothing that says who the person is (WebAuthn Level 3, 14.6.1). */
export const userHandleOf = (account: string): string => Buffer.from(account.replaceAll('-', ''), 'hex').toString('base64url')

/** The account that a user handle names; undefined for one that is not 16 bytes, which is none of ours. */
export function accountOf(userHandle: string): string | undefined {
  const bytes = Buffer.from(userHandle, 'base64url')
  return bytes.length === 16 ? bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') : undefined
}
