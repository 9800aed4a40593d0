/** What people do, in probabilities: the known truth behind the year, for whoever wants to know whether it can be read off the figures. */
import type { OfferMode, Platform } from '../domain/session/vocabulary.ts'
import type { Person } from './people.ts'

/** How much more often, in odds, a person takes the offer in a variant; 1 where none is named. */
export const variantEffect: Readonly<Record<string, number>> = { plain: 1, benefit: 1.45 }

const platformOdds: Record<Platform, number> = { ios: 1.15, android: 0.85, web: 0.4 }
/** The less of a novelty it is, the fewer say yes. */
const fadesBy = 0.72

/** That an offer is taken: of one hundred people on iOS some forty take the first one. */
export function takesOffer(person: Person, { platform, number, variant, mode, settings }: { platform: Platform; number: number; variant: string | null; mode: OfferMode; settings: boolean }): number {
  // Whoever went to the settings for it wants it; where nobody is asked nobody says no.
  if (settings) return 0.93
  if (mode === 'conditional') return 1
  const odds = 0.62 * platformOdds[platform] * (variantEffect[variant ?? ''] ?? 1) * person.eager * fadesBy ** (number - 1) * (mode === 'automatic' ? 1.2 : 1)
  return odds / (1 + odds)
}

/** Of those who say no in the app's own screen. */
export const saysNever = 0.07

/** What becomes of a prompt that was opened, where nothing is broken. */
export const ofCreation: Record<OfferMode, readonly (readonly ['created' | 'cancelled' | 'not_shown' | 'failed' | 'refused_here', number])[]> = {
  manual: [['created', 85], ['cancelled', 9], ['not_shown', 3], ['failed', 2.7], ['refused_here', 0.3]],
  automatic: [['created', 62], ['cancelled', 30], ['not_shown', 5], ['failed', 2.7], ['refused_here', 0.3]],
  conditional: [['created', 71], ['cancelled', 0], ['not_shown', 25], ['failed', 4], ['refused_here', 0]],
}

type Codes = readonly (readonly [code: string, weight: number])[]
/** The platforms' own codes (`domain/session/reports.ts`). */
export const codes: Record<Platform, { cancelled: Codes; not_shown: Codes; failed: Codes; dismissed: Codes; none: Codes }> = {
  ios: { cancelled: [['1001', 98], ['1009', 2]], not_shown: [['1003', 30], ['1010', 50], ['1005', 20]], failed: [['1004', 60], ['1006', 30], ['1000', 10]], dismissed: [['1001', 1]], none: [['1001', 1]] },
  android: {
    cancelled: [['CreateCredentialCancellationException', 93], ['CreatePublicKeyCredentialDomException/OptOutError', 4], ['CreatePublicKeyCredentialDomException/TimeoutError', 3]],
    not_shown: [['CreateCredentialNoCreateOptionException', 55], ['CreateCredentialInterruptedException', 30], ['CreateCredentialProviderConfigurationException', 15]],
    failed: [['CreateCredentialUnknownException', 50], ['CreatePublicKeyCredentialDomException/InvalidStateError', 40], ['VendorSpecificException', 10]],
    dismissed: [['GetCredentialCancellationException', 1]],
    none: [['NoCredentialException', 1]],
  },
  web: { cancelled: [['NotAllowedError', 1]], not_shown: [['AbortError', 50], ['NotSupportedError', 20], ['ConstraintError', 30]], failed: [['InvalidStateError', 60], ['UnknownError', 40]], dismissed: [['NotAllowedError', 1]], none: [['NotAllowedError', 1]] },
}

/** Of a passkey that is on the device. */
export const ofPasskey: readonly (readonly ['used' | 'dismissed' | 'password_chosen' | 'refused' | 'leaves', number])[] = [['used', 93.5], ['dismissed', 3.4], ['password_chosen', 1.8], ['refused', 0.5], ['leaves', 0.8]]
/** Where it is not. */
export const withoutPasskeyHere: readonly (readonly ['none_here' | 'other_device' | 'password_chosen' | 'leaves', number])[] = [['none_here', 62], ['other_device', 14], ['password_chosen', 22], ['leaves', 2]]

export const password = { wrong: 0.085, wrongAgain: 0.3, leaves: 0.012, leavesAfterWrong: 0.22, autofilled: 0.46 } as const
export const code = { wrong: 0.045, late: 0.01, again: 0.05, leaves: 0.03, leavesUnsent: 0.35, skipped: 0.55, deliveryFails: 0.006 } as const
export const pin = { set: 0.66, leaves: 0.006 } as const
export const biometrics = { on: 0.61, off: 0.14, leaves: 0.004, offLater: 0.012 } as const
/** Starts that nobody finishes for other reasons than a step that is too much. */
export const start = { mistyped: 0.018, usernameless: 0.2 } as const
export const afterwards = { settings: 0.011, signsOut: 0.16, refreshes: 0.35, removesPasskey: 0.002 } as const
