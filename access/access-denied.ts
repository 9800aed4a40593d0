/** Why somebody may not look. */
import type { Role } from './roles.ts'

export type AccessCode = 'token_missing' | 'operator_token_invalid' | 'role_missing' | 'access_not_configured'

export class AccessDenied extends Error {
  readonly code: AccessCode
  /** What it would have taken. */
  readonly role: Role | undefined
  constructor(code: AccessCode, role?: Role) {
    super(code)
    this.code = code
    this.role = role
  }
}

/** Nobody can be told from anybody else for now. The caller is not to blame: 503, never 401. */
export class ProviderAway extends Error {
  readonly code = 'identity_provider_unavailable'
}

/** The provider's answer to a sign-in is not one that was asked for here, or says no. `message` is for the log alone. */
export class SignInRefused extends Error {}
