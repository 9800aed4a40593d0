/** Step 1: the identifier. */
import type { Sealed } from '../event.ts'
import { resolvePlan, unsupportedSteps, type Policy } from '../policy.ts'
import { refuse, type Decision } from './decision.ts'
import type { SessionEvent } from './events.ts'
import { actions, type Channel, type EntryPoint, type Platform } from './vocabulary.ts'

export type Start = {
  app: string
  platform: Platform
  installation: string
  /** SHA-256 of the app's flow token, base64url (as in PKCE, RFC 7636). */
  flowTokenHash: string
  supports: readonly string[]
  entryPoint: EntryPoint
  locale: string
  osVersion?: string | undefined
  appVersion?: string | undefined
  screenLock?: boolean | undefined
  deviceModel?: Sealed | undefined
  address?: Sealed | undefined
  userAgent?: Sealed | undefined
  identifier: Sealed
  /** The account that owns the identifier, as it was read; null when nobody does. */
  account: { id: string; mfa: boolean; passkeys: number; contacts: readonly Channel[] } | null
}

/** A start that asks for steps which the app cannot take writes nothing. */
export function decideStart(start: Start, context: { policy: Policy; expiresAt: string }): Decision {
  const { account, supports, ...entered } = start
  // What the account demands, and whether it has a contact, is looked at after the password: the answer to a stranger must not show it.
  const demanded = unsupportedSteps(resolvePlan(context.policy, { mfa: false, supports }), supports)
  if (demanded.length > 0) return refuse('upgrade_required', { reason: demanded.join(', ') })
  const plan = resolvePlan(context.policy, { mfa: account?.mfa ?? false, supports })
  const identified: SessionEvent = {
    type: 'IdentifierEntered',
    data: {
      ...entered,
      // Words that this release does not know are left out: what an app sends does not stand in the log unread.
      supports: actions.filter((action) => supports.includes(action)),
      account: account?.id ?? null,
      passkeys: account?.passkeys ?? 0,
      mfa: account?.mfa ?? false,
      contacts: [...(account?.contacts ?? [])],
      plan,
      expiresAt: context.expiresAt,
    },
  }
  return { outcome: { done: true }, events: [identified] }
}
