/** Whether a passkey is offered now: the whole decision on one page, in the order in which one reason hides another. */
import { supportsStep, type Policy } from '../policy.ts'
import type { EntryPoint, OfferMode, Platform, WithheldReason } from '../session/vocabulary.ts'
import type { AppendPolicy } from './append.ts'
import { sparedBy, type OfferHistory, type Spared } from './history.ts'
import { isRolledOut, variantOf } from './lots.ts'
import { isWithin, readVersion } from './versions.ts'

/** What is known of a person when an offer is decided. */
export type OfferFacts = {
  history: OfferHistory | 'unavailable'
  /** "Never again", said in any app of this account and not taken back. */
  never: boolean
  /** An active passkey was created or used on this installation. */
  passkeyHere: boolean
}

/** What the app says that the device can do; left out where it does not say. */
export type Device = {
  osVersion?: string | undefined
  appVersion?: string | undefined
  screenLock?: boolean | undefined
  credentialManager?: boolean | undefined
  conditionalCreate?: boolean | undefined
}

/** Where, to whom and to what an offer would be made. */
export type OfferPlace = {
  account: string
  app: string
  supports: readonly string[]
  platform: Platform
  device: Device
  entryPoint: EntryPoint
  /** A credential manager filled the password in, and every required factor was given. */
  maybeConditional: boolean
}

export type OfferDecision =
  | { offered: true; offer: number; mode: OfferMode; entryPoint: EntryPoint; variant: string | null; policy: string }
  | { offered: false; reason: WithheldReason; policy: string }

/** `now`: ISO 8601. */
export function decideOffer(policy: Policy, person: OfferFacts, place: OfferPlace, now: string): OfferDecision {
  const why = whyNot(policy, person, place, now)
  if (why) return { offered: false, reason: why.reason, policy: policy.version }
  const { history } = person
  const offer = (history === 'unavailable' ? 0 : history.offers) + 1
  const variant = variantOf(policy.append.variants, place.account)
  const mode = isAsked(place) ? 'manual' : modeOf({ ...policy.append, ...(variant?.mode && { mode: variant.mode }) }, place)
  return { offered: true, offer, mode, entryPoint: place.entryPoint, variant: variant?.name ?? null, policy: policy.version }
}

/** In the settings the person asks: nothing that spares them being asked counts there, and no lot is drawn. */
const isAsked = ({ entryPoint }: OfferPlace): boolean => entryPoint === 'settings'

/** Why not, and until when that holds by itself. Without the history the offer is withheld: better one too few than a person asked every day. */
export function whyNot({ append }: Policy, person: OfferFacts, place: OfferPlace, now: string): Spared | undefined {
  const forGood = (reason: WithheldReason): Spared => ({ reason, until: null })
  // What the company wants for nobody, or not here.
  if (!append.enabled) return forGood('switched_off')
  if (append.killSwitch.platforms.includes(place.platform) || append.killSwitch.apps.includes(place.app)) return forGood('kill_switch')
  // What the app or the device cannot do.
  if (!supportsStep(place.supports, 'append')) return forGood('not_supported')
  if (!ableToKeep(place)) return forGood('device_not_able')
  const demanded = append.devices[place.platform]
  if (demanded && !isWithin(demanded.os, place.device.osVersion)) return forGood('os_not_eligible')
  if (demanded && !isWithin(demanded.app, place.device.appVersion)) return forGood('app_not_eligible')
  if (demanded?.screenLock && place.device.screenLock !== true) return forGood('no_screen_lock')
  if (isAsked(place)) return undefined
  // What the person has, and wants.
  if (person.passkeyHere) return forGood('has_passkey_here')
  if (person.never) return forGood('never_again')
  if (!isRolledOut(append.rollout, place.account)) return forGood('not_rolled_out')
  // How often they were asked.
  return person.history === 'unavailable' ? forGood('history_unavailable') : sparedBy(append, person.history, now)
}

const modeOf = ({ conditional, mode }: Pick<AppendPolicy, 'conditional' | 'mode'>, { device, maybeConditional }: OfferPlace): OfferMode =>
  conditional && maybeConditional && device.conditionalCreate === true ? 'conditional' : mode

/** The first major versions that keep passkeys: iOS 16 (Apple, "Supporting passkeys"), Android 9 (Android, "Credential Manager"). */
const oldestAble: Partial<Record<Platform, number>> = { ios: 16, android: 9 }

/** What is not said is taken as able. */
function ableToKeep({ platform, device: { osVersion, screenLock, credentialManager } }: OfferPlace): boolean {
  const [major = Infinity] = readVersion(osVersion) ?? []
  return screenLock !== false && credentialManager !== false && !(major < (oldestAble[platform] ?? 0))
}
