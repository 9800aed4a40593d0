/** How a person takes each step of a login. Every function says whether they are still there. */
import { accepted, activePasskeys, decideUse, descriptors } from '../domain/account/passkeys.ts'
import { decideAppend, decideAppendOptions, decideAppendReport, decideAppendSkip } from '../domain/session/append.ts'
import { decideBiometrics, decideBiometricsSkip } from '../domain/session/biometrics.ts'
import { legalActions, requirement } from '../domain/session/flow.ts'
import { decideOtp, decideOtpReceipt, decideOtpSend, decideOtpSkip, type Receipt } from '../domain/session/otp.ts'
import { decidePasskey, decidePasskeyReport } from '../domain/session/passkey.ts'
import { decidePassword } from '../domain/session/password.ts'
import { decidePin, decidePinSkip } from '../domain/session/pin.ts'
import { classifyReport, meaningOf } from '../domain/session/reports.ts'
import type { Action, Channel, PasswordReason, Refusal } from '../domain/session/vocabulary.ts'
import { accountSaid, destinationOf } from '../engine/contacts.ts'
import type { Login, World } from './login.ts'
import * as odds from './odds.ts'
import { keychains } from './platforms.ts'
import { instant } from './record.ts'

const isLegal = (login: Login, action: Action): boolean => legalActions(login.view, instant(login.at)).includes(action)
const said = (login: Login, { reachable }: World) => accountSaid({ state: login.account(), revision: login.account().revision, at: '', keys: new Map() }, login.state, reachable)
/** Where somebody is asked for what they cannot do the engine ends the login. */
const contactless = (login: Login): Refusal[] => (login.person.email === '' && login.person.phone === undefined ? ['no_contact'] : [])

/** The passkey that this device can answer with. */
function passkeyHere({ person, device, account }: Login): string | undefined {
  const usable = activePasskeys(account()).findLast(({ passkey }) => {
    const kept = person.keptIn.get(passkey)
    return kept && (kept.installation === device.installation || (keychains[kept.keychain].synced && kept.keychain === device.keychain))
  })
  return usable?.passkey
}

export function passkey(login: Login, world: World): boolean {
  const { person: { dice }, said: { platform } } = login
  const here = login.view.account === null && !login.view.usernameless ? undefined : passkeyHere(login)
  const does = here ? dice.weighed(odds.ofPasskey) : dice.weighed(odds.withoutPasskeyHere)
  login.wait(dice.around(here ? 4 : 6, 0.5))
  switch (does) {
    case 'leaves':
      return false
    case 'password_chosen':
      // Without an identifier there is no password: the person starts anew.
      return !login.view.usernameless && password(login, world, 'chosen')
    case 'used':
      return use(login, world, here as string, false)
    case 'other_device': {
      const elsewhere = activePasskeys(login.account()).at(-1)?.passkey
      // A person who has a phone with it at hand.
      if (platform !== 'web' || !elsewhere || login.view.hidden) return report(login, world, 'none')
      login.wait(dice.around(12, 0.4))
      return use(login, world, elsewhere, true)
    }
    case 'refused': {
      const challenge = login.state.request?.challenge ?? null
      login.take((state, circumstances) => decidePasskey(state, { verdict: 'bad', challenge, reason: 'user_not_verified', passkey: here ?? null, retryable: true }, circumstances), {
        meantToBe: ['passkey_rejected', 'identifier_needed'],
      })
      return login.view.usernameless ? false : passwordInstead(login, world)
    }
    case 'dismissed':
      return report(login, world, 'dismissed')
    case 'none_here':
      return report(login, world, 'none')
  }
}

function use(login: Login, world: World, passkey: string, crossDevice: boolean): boolean {
  const { person: { dice }, state } = login
  const account = login.account()
  const stored = activePasskeys(account).find((one) => one.passkey === passkey)
  if (!stored) return false
  const { uvInitialized, backupEligible } = stored
  const backedUp = stored.backedUp || (backupEligible && dice.chance(0.5))
  const test = account.test ? { test: true as const } : {}
  const verified = { passkey, account: login.person.id, userVerified: dice.chance(0.97), uvInitialized, backupEligible, backedUp, crossDevice, ...said(login, world), ...test }
  const cause = login.take((now, circumstances) => decidePasskey(now, { verdict: 'good', challenge: state.request?.challenge ?? null, disabled: false, verified }, circumstances), { meantToBe: contactless(login) })
  login.wait(0.02)
  login.note(decideUse(login.account(), { passkey, backedUp, counter: 0, installation: crossDevice ? null : login.device.installation }), { ...cause, causationId: `${login.session}/use` })
  return true
}

function report(login: Login, world: World, why: 'dismissed' | 'none'): boolean {
  const { person: { dice }, said: { platform } } = login
  const code = dice.weighed(odds.codes[platform][why])
  const { outcome, reason, retryable } = meaningOf(platform, 'get', code)
  login.take((state, circumstances) => decidePasskeyReport(state, { platform, code, outcome, reason, retryable }, circumstances), { meantToBe: ['identifier_needed'] })
  if (login.view.status !== 'running' || login.view.usernameless) return false
  login.wait(dice.around(4))
  return passwordInstead(login, world)
}

const passwordInstead = (login: Login, world: World): boolean => isLegal(login, 'password') && password(login, world)

/** `insteadOf`: as the app knows it; left out, the session itself knows. */
export function password(login: Login, world: World, insteadOf?: PasswordReason): boolean {
  const { person: { dice } } = login
  const given = { insteadOf, autofilled: login.said.credentialManager ? dice.chance(odds.password.autofilled) : undefined }
  login.wait(given.autofilled ? dice.around(4) : dice.around(11))
  if (dice.chance(odds.password.leaves)) return false
  const wrong = (reason: 'wrong_password' | 'unknown_identifier'): void =>
    void login.take((state, circumstances) => decidePassword(state, { verdict: 'wrong', reason }, { insteadOf }, circumstances), { meantToBe: ['password_rejected'] })
  if (login.view.account === null) {
    wrong('unknown_identifier')
    return false
  }
  for (let likely: number = given.autofilled ? 0.01 : odds.password.wrong; dice.chance(likely); likely = odds.password.wrongAgain) {
    wrong('wrong_password')
    if (dice.chance(odds.password.leavesAfterWrong) || login.secondsLeft() < 240) return false
    login.wait(dice.around(12))
  }
  login.take((state, circumstances) => decidePassword(state, { verdict: 'right', disabled: false, account: said(login, world) }, given, circumstances), { meantToBe: contactless(login) })
  return true
}

export function append(login: Login, world: World): boolean {
  const { person, said: { platform } } = login
  const { dice } = person
  const offer = login.view.append.offer
  if (!offer) return false
  const takes = odds.takesOffer(person, { platform, number: offer.number, variant: offer.variant, mode: offer.mode, settings: login.view.purpose === 'settings' })
  login.wait(offer.mode === 'conditional' ? 0.3 : dice.around(6))
  if (dice.chance(takes)) return create(login, world)
  const no = dice.weighed([['declined', 93], ['leaves', 2], ['no_prompt', 5]] as const)
  if (no === 'leaves') return false
  if (no === 'no_prompt') reportCreation(login, 'not_shown')
  else {
    const reason = dice.chance(odds.saysNever) ? 'never' : 'declined'
    login.take((state, circumstances) => decideAppendSkip(state, reason, circumstances), { leaves: reason === 'never' ? { neverOffer: true } : {} })
  }
  return true
}

function create(login: Login, world: World): boolean {
  const { person, said: { platform, appVersion } } = login
  const { dice } = person
  const options = { ...login.challenge(), excludes: descriptors(accepted(login.account())) }
  login.take((state, circumstances) => decideAppendOptions(state, options, circumstances))
  const { mode } = login.state.ceremony ?? { mode: 'manual' }
  login.wait(mode === 'conditional' ? 1 : dice.around(6))
  if (dice.chance(0.01)) return false
  const broken = world.incidents.creationFails(platform, appVersion)
  if (broken && dice.chance(broken.share)) reportCreation(login, 'failed', broken.code)
  else {
    const became = dice.weighed(odds.ofCreation[mode])
    if (became === 'created') link(login)
    else if (became === 'refused_here') {
      const { challenge } = options
      login.take((state, circumstances) => decideAppend(state, { verdict: 'bad', challenge, reason: 'user_not_verified', retryable: true }, circumstances), { meantToBe: ['append_rejected'] })
    } else reportCreation(login, became)
  }
  // Some try once more.
  if (login.view.append.retryable && mode !== 'conditional' && isLegal(login, 'append_options') && dice.chance(0.14)) {
    login.wait(dice.around(5))
    return create(login, world)
  }
  return true
}

function reportCreation(login: Login, outcome: 'cancelled' | 'not_shown' | 'failed', known?: string): void {
  const { person: { dice }, said: { platform } } = login
  const report = classifyReport(platform, known ?? dice.weighed(odds.codes[platform][outcome]))
  login.take((state, circumstances) => decideAppendReport(state, report, circumstances))
}

/** The head of a COSE key for ES256 (RFC 9053, 7.1.1); nobody will sign with what follows. */
const coseHead = Buffer.from('a5010203262001215820', 'hex')
const coseMiddle = Buffer.from('225820', 'hex')

function link(login: Login): void {
  const { person, device, session } = login
  const { dice } = person
  const { ceremony } = login.state
  if (!ceremony) return
  const { aaguid, synced } = keychains[device.keychain]
  const credentialId = dice.secret(20)
  const flags = { backupEligible: synced, backedUp: synced && dice.chance(0.94) }
  const key = {
    publicKey: Buffer.concat([coseHead, dice.bytes(32), coseMiddle, dice.bytes(32)]).toString('base64url'),
    algorithm: -7,
    counter: 0,
    transports: device.platform === 'web' && device.keychain === 'hello' ? ['internal'] : ['hybrid', 'internal'],
    uvInitialized: ceremony.mode !== 'conditional',
  }
  const { challenge } = ceremony
  login.take((state, circumstances) => decideAppend(state, { verdict: 'good', challenge, passkey: { credentialId, aaguid, ...flags } }, circumstances), {
    leaves: { link: { passkey: credentialId, aaguid, ...flags, ...key, challenge, session, installation: device.installation, app: person.app } },
  })
  person.keptIn.set(credentialId, { keychain: device.keychain, installation: device.installation })
}

export function otp(login: Login, world: World): boolean {
  const { person: { dice }, view } = login
  if (requirement(view, 'otp') === 'optional' && dice.chance(odds.code.skipped)) {
    login.wait(dice.around(3))
    login.take(decideOtpSkip)
    return true
  }
  login.wait(dice.around(2.5))
  if (!isLegal(login, 'otp_send')) return false
  const fallback = view.contacts.length > 1 && view.otp.delivery === 'failed' ? view.contacts.filter((one) => one !== view.otp.channel) : view.contacts
  const channel = (fallback.includes('sms') && dice.chance(0.7) ? 'sms' : fallback[0]) as Channel
  if (!send(login, world, channel)) return !dice.chance(odds.code.leavesUnsent)
  login.wait(dice.around(channel === 'sms' ? 14 : 24))
  if (dice.chance(odds.code.leaves)) return false
  // It takes too long: another one, which makes the first one worthless.
  if (dice.chance(odds.code.again)) {
    login.wait(30)
    return true
  }
  if (dice.chance(odds.code.late)) login.wait(310, 310)
  const { issues, expiresAt } = login.view.otp
  if (expiresAt !== null && instant(login.at) >= expiresAt) {
    login.take((state, circumstances) => decideOtp(state, { matches: true, issue: issues }, circumstances), { meantToBe: ['otp_rejected'] })
    return true
  }
  if (dice.chance(odds.code.wrong)) {
    login.take((state, circumstances) => decideOtp(state, { matches: false, issue: issues }, circumstances), { meantToBe: ['otp_rejected'] })
    login.wait(dice.around(9))
  }
  login.take((state, circumstances) => decideOtp(state, { matches: true, issue: issues }, circumstances))
  return true
}

/** Handed to the carrier within the same request. */
function send(login: Login, world: World, channel: Channel): boolean {
  const { person: { dice } } = login
  const cause = login.take((state, circumstances) => decideOtpSend(state, { channel, destination: destinationOf(login.account(), channel) }, circumstances))
  login.wait(dice.around(channel === 'sms' ? 0.4 : 0.25, 0.4))
  const away = channel === 'sms' && world.incidents.smsAway(login.at)
  const fails = away ? dice.chance(0.9) : dice.chance(odds.code.deliveryFails)
  const receipt: Receipt = fails ? (away ? { delivered: false, reason: 'unreachable', retryable: true } : { delivered: false, reason: 'refused', retryable: false }) : { delivered: true, ...(channel === 'sms' ? { carrierId: dice.uuid() } : {}) }
  login.follow(decideOtpReceipt(login.state, login.view.otp.issues, receipt).events, cause)
  return !fails
}

export function pin(login: Login): boolean {
  const { person: { dice } } = login
  login.wait(dice.around(7))
  if (dice.chance(odds.pin.leaves)) return false
  if (dice.chance(odds.pin.set)) login.take((state, circumstances) => decidePin(state, { given: false }, circumstances), { leaves: { pin: { keptOn: 'device', verifier: undefined } } })
  else login.take(decidePinSkip)
  return true
}

export function biometrics(login: Login): boolean {
  const { person: { dice } } = login
  login.wait(dice.around(4))
  if (dice.chance(odds.biometrics.leaves)) return false
  const does = dice.next()
  if (does < odds.biometrics.on + odds.biometrics.off) {
    const enabled = does < odds.biometrics.on
    login.take((state, circumstances) => decideBiometrics(state, enabled, circumstances), { leaves: { biometrics: enabled } })
  } else login.take(decideBiometricsSkip)
  return true
}
