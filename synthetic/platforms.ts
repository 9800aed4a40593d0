/** What people hold in their hands: systems that age, apps that are released, and who keeps their passkeys. */
import { actions, type Action, type Platform } from '../domain/session/vocabulary.ts'
import type { Calendar } from './calendar.ts'
import type { Dice } from './dice.ts'

/** Since when there is a version: a share of the year, below 0 for what was there before. */
type Release = readonly [version: string, since: number]

const systems: Record<Platform, readonly Release[]> = {
  ios: [['15.8', -3], ['16.7', -1.5], ['17.6', -0.6], ['18.0', -0.2], ['18.1', -0.1], ['18.2', 0.02], ['18.3', 0.17], ['18.4', 0.32], ['18.5', 0.45], ['18.6', 0.62], ['26.0', 0.79], ['26.1', 0.92]],
  android: [['8.1', -6], ['10', -4], ['11', -3], ['12', -2.4], ['13', -1.6], ['14', -0.9], ['15', -0.2], ['16', 0.55]],
  web: [['10', -6], ['11', -3], ['14', -1], ['15', 0]],
}

/** iOS 5.6.0 is the one that breaks something (`incidents.ts`); 5.6.1 mends it. */
export const brokenRelease = { platform: 'ios', version: '5.6.0' } as const
const appReleases: readonly Release[] = [
  ['4.9.0', -1], ['5.0.0', -0.05], ['5.1.0', 0.06], ['5.2.0', 0.15], ['5.3.0', 0.24], ['5.4.0', 0.33], ['5.5.0', 0.42], ['5.6.0', 0.52], ['5.6.1', 0.57], ['5.7.0', 0.64], ['5.8.0', 0.73], ['5.9.0', 0.82], ['5.10.0', 0.91],
]

const models: Record<Platform, readonly string[]> = {
  ios: ['iPhone 12', 'iPhone 13', 'iPhone 14', 'iPhone 15', 'iPhone 16', 'iPhone SE'],
  android: ['Pixel 7', 'Pixel 8', 'Galaxy S22', 'Galaxy S24', 'Galaxy A54', 'Redmi Note 12'],
  web: ['Chrome', 'Safari', 'Firefox', 'Edge'],
}

/** Who keeps passkeys: what one such keychain holds can be used wherever the person has it, if it is `synced`. */
export const keychains = {
  icloud: { aaguid: 'fbfc3007-154e-4ecc-8c0b-6e020557d7bd', synced: true },
  google: { aaguid: 'ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4', synced: true },
  samsung: { aaguid: '53414d53-554e-4700-0000-000000000000', synced: true },
  onepassword: { aaguid: 'bada5566-a7aa-401f-bd96-45619a55120d', synced: true },
  hello: { aaguid: '08987058-cadc-4b81-b6e1-30de50dcbe96', synced: false },
} as const
export type Keychain = keyof typeof keychains

const keptBy: Record<Platform, readonly (readonly [Keychain, number])[]> = {
  ios: [['icloud', 92], ['onepassword', 8]],
  android: [['google', 78], ['samsung', 15], ['onepassword', 7]],
  web: [['google', 45], ['icloud', 20], ['hello', 25], ['onepassword', 10]],
}

export type Device = {
  installation: string
  platform: Platform
  model: string
  keychain: Keychain
  /** Shares of the year that the person lets pass before an update is installed. */
  lag: { system: number; app: number }
  /** The newest of each that the device takes: old ones get no more. */
  newest: { system: number; app: number }
  screenLock: boolean
  biometrics: boolean
  credentialManager: boolean
}

/** `keychain`: the one that the person has elsewhere already. */
export function deviceOf(dice: Dice, platform: Platform, keychain?: Keychain): Device {
  const all = systems[platform].length
  return {
    installation: dice.uuid(),
    platform,
    model: dice.pick(models[platform]),
    keychain: keychain && keptBy[platform].some(([one]) => one === keychain) && dice.chance(0.7) ? keychain : dice.weighed(keptBy[platform]),
    lag: { system: dice.gap(platform === 'android' ? 0.25 : 0.06), app: platform === 'web' ? 0 : dice.gap(dice.chance(0.2) ? 0.12 : 0.015) },
    // One in seven holds something old.
    newest: { system: dice.chance(0.14) ? dice.below(all - 2) : all, app: platform !== 'web' && dice.chance(0.03) ? 0 : appReleases.length },
    screenLock: dice.chance(platform === 'web' ? 0.98 : 0.96),
    biometrics: dice.chance(platform === 'web' ? 0.35 : 0.86),
    credentialManager: dice.chance(0.97),
  }
}

const newestOf = (releases: readonly Release[], share: number, newest: number): string => {
  const there = releases.filter(([, since], index) => since <= share && index <= newest).at(-1) ?? releases[0]
  return (there as Release)[0]
}

/** An app from before passkeys knows none of these. */
const older: readonly Action[] = actions.filter((action) => !/^(append|passkey)/.test(action))

/** What the app says of the device at a moment. */
export function saidOf(device: Device, calendar: Calendar, at: number) {
  const share = (at - calendar.from) / (calendar.until - calendar.from)
  const { platform, lag, newest, screenLock, biometrics, credentialManager } = device
  const osVersion = newestOf(systems[platform], share - lag.system, newest.system)
  const appVersion = newestOf(appReleases, share - lag.app, newest.app)
  // Apple: automatic passkey upgrades came with iOS 18; Android's and Chrome's with conditional create.
  const conditionalCreate = platform === 'ios' ? Number.parseInt(osVersion, 10) >= 18 : platform === 'web' && device.keychain === 'google'
  return { platform, osVersion, appVersion, screenLock, biometrics, credentialManager, conditionalCreate, supports: appVersion.startsWith('4.') ? older : actions }
}
