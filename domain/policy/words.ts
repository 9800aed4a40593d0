/** In a sentence why a person is, or is not, offered a passkey: for whoever is asked about it. */
import type { Policy } from '../policy.ts'
import type { WithheldReason } from '../session/vocabulary.ts'
import { coolUntil, type PastOffer } from './history.ts'
import { decideOffer, whyNot, type OfferFacts, type OfferPlace } from './offer.ts'

type Told = { policy: Policy; place: OfferPlace; last: PastOffer | undefined }

const because: Readonly<Record<WithheldReason, (told: Told) => string>> = {
  switched_off: () => 'the policy offers nobody a passkey',
  kill_switch: ({ place }) => `offers are switched off on ${place.platform} or in the app ${place.app}`,
  not_supported: () => 'the app does not say that it can create passkeys',
  device_not_able: ({ place }) => `the device cannot keep a passkey${said(place)}`,
  os_not_eligible: ({ place }) => `the policy leaves this version of the system out${said(place)}`,
  app_not_eligible: ({ place }) => `the policy leaves this version of the app out${said(place)}`,
  no_screen_lock: () => 'the policy demands a screen lock, and the device does not say that it has one',
  no_contact: () => 'a passkey would wait for a code, and there is nowhere that a code can go to',
  has_passkey_here: () => 'a passkey of theirs is kept on this device',
  never_again: () => 'they said "never again", and have not taken it back in the settings',
  not_rolled_out: ({ policy }) => `they are not among the ${policy.append.rollout.percent} % of the people who are asked so far`,
  history_unavailable: () => 'what became of earlier offers is not known: the projections are out of reach, or behind',
  capped_lifetime: ({ policy }) => `they were asked ${policy.append.caps.lifetime} times, which is as often as they ever are`,
  capped_in_a_row: ({ policy }) => `they were asked ${policy.append.caps.inARow} times in a row without a passkey, and are not asked again before they create one`,
  capped_per_week: ({ policy }) => `they were asked ${policy.append.caps.perWeek} times within a week`,
  paused: ({ policy }) => `they were asked ${policy.append.pause?.after} times in a row without a passkey, and are left alone for ${policy.append.pause?.days} days`,
  cool_down: ({ last }) => `an offer of theirs ${last ? `${inWords[last.outcome]} (${minute(last.settledAt ?? last.at)})` : 'came to nothing'} a while ago`,
}

const inWords: Readonly<Record<PastOffer['outcome'], string>> = {
  created: 'came to a passkey', declined: 'was declined', cancelled: 'was dismissed', notShown: 'was never shown', failed: 'failed', unanswered: 'had no answer',
}

/** `now`: ISO 8601. */
export function explainOffer(policy: Policy, person: OfferFacts, place: OfferPlace, now: string): string {
  const decision = decideOffer(policy, person, place, now)
  const under = `Under policy ${policy.version} this person would`
  if (decision.offered) {
    const how = { manual: "on a screen of the app's own", automatic: 'by the system’s prompt at once', conditional: 'without being asked, if the platform can' }[decision.mode]
    return `${under} be offered a passkey now, ${how}: offer number ${decision.offer}${decision.variant === null ? '' : `, variant ${decision.variant}`}.`
  }
  const { reason, until } = whyNot(policy, person, place, now) ?? { reason: decision.reason, until: null }
  const cooled = person.history === 'unavailable' ? [] : person.history.recent.filter((offer) => coolUntil(policy.append.coolDownHours, offer) === until)
  return `${under} not be offered a passkey now (${reason}): ${because[reason]({ policy, place, last: cooled[0] })}${until === null ? '' : `; that holds until ${minute(until)}`}.`
}

const said = ({ platform, device: { osVersion, appVersion } }: OfferPlace): string => {
  const versions = [osVersion && `${platform} ${osVersion}`, appVersion && `app ${appVersion}`].filter(Boolean)
  return versions.length > 0 ? ` (${versions.join(', ')})` : ''
}

const minute = (instant: string): string => `${instant.slice(0, 16).replace('T', ' ')} UTC`
