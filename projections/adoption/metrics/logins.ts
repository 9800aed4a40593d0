import { division, share, sums, times } from '../figures.ts'
import type { Metric } from '../metric.ts'

/** A visit to the settings has no proof of its own. */
const signedIn = 'l.proof is not null'
const proof = { name: 'proof', expression: 'l.proof' }
const common = { groups: [], divides: [], breakdowns: ['platform', 'osVersion', 'app', 'appVersion', 'entryPoint', 'provider'], view: { every: 'week', by: ['platform'] } } as const
const ofLogins = 'A login counts once its password or passkey was good; visits to the settings are none.'

export const logins: Metric[] = [
  {
    ...common,
    name: 'logins',
    title: 'Logins',
    definition: `Logins, by what signed in: password or passkey. ${ofLogins}`,
    unit: 'logins',
    denominator: 'None: a count.',
    kind: 'count',
    groups: ['proof'],
    divides: ['proof'],
    query: (scope) => sums(scope, { of: signedIn, sums: { count: 'count(*)' }, own: [proof] }),
  },
  {
    ...common,
    name: 'passkey-login-rate',
    title: 'Logins with a passkey, of all logins',
    definition: `Logins in which a passkey signed in. ${ofLogins}`,
    unit: 'logins',
    denominator: 'All logins, with password or passkey.',
    kind: 'share',
    query: (scope) => share(scope, { of: signedIn, counted: "l.proof = 'passkey'" }),
  },
  {
    ...common,
    name: 'passkey-login-rate-of-holders',
    title: 'Logins with a passkey, of the logins of people who have one',
    definition: `Logins in which a passkey signed in, of people whose account had an active passkey when the login began; that a passkey signed in says so, too. ${ofLogins}`,
    unit: 'logins',
    denominator: 'Logins, with password or passkey, of people who had an active passkey when the login began.',
    kind: 'share',
    query: (scope) => share(scope, { of: `${signedIn} and l.had_passkey`, counted: "l.proof = 'passkey'" }),
  },
  {
    ...common,
    name: 'passkey-login-success',
    title: 'Logins in which the passkey that was asked for signed in',
    definition:
      'Logins that began with an identifier, whose account had an active passkey then, and in which a passkey was asked for: those in which it signed in. ' +
      'The others took the password, or were left. Logins without an identifier are not counted: they ask people who have none, too.',
    unit: 'logins',
    denominator: 'Logins with an identifier in which a passkey was asked for of somebody who has one, finished or not.',
    kind: 'share',
    query: (scope) => share(scope, { of: 'l.passkey_asked and l.identified and l.had_passkey', counted: "l.proof = 'passkey'" }),
  },
  {
    ...common,
    name: 'fallbacks',
    title: 'Why the password',
    definition:
      'Logins with the password by cause. no_passkey: the account had no active one when the login began. Otherwise what the app, or the device, said: not_here: none could be used on this device; ' +
      'cancelled: the prompt was dismissed; failed; chosen: the person chose the password. not_asked: no passkey was asked for, since the app cannot.',
    unit: 'logins',
    denominator: 'All logins with the password.',
    kind: 'share',
    groups: ['cause'],
    divides: ['cause'],
    order: ['no_passkey', 'not_here', 'cancelled', 'failed', 'chosen', 'not_asked'],
    query: (scope) => {
      const cause = "case when not l.had_passkey then 'no_passkey' when l.fallback = 'no_credential' then 'not_here' else coalesce(l.fallback, 'not_asked') end"
      return division(scope, { of: "l.proof = 'password'", own: [{ name: 'cause', expression: cause }] })
    },
  },
  {
    ...common,
    name: 'login-time',
    title: 'From identifier to signed in',
    definition:
      'Seconds from the start of a login with an identifier to the good password or passkey. A percentile is the shortest time that so many of the logins did not exceed (nearest rank). ' +
      'Whatever comes after the proof, such as a code, is not in it.',
    unit: 'seconds',
    denominator: 'None: percentiles over logins with an identifier.',
    kind: 'times',
    groups: ['proof'],
    divides: ['proof'],
    query: (scope) => times(scope, { of: `${signedIn} and l.identified`, seconds: "date_part('epoch', l.proved_at - l.started_at)", own: [proof] }),
  },
  {
    ...common,
    name: 'completion-time',
    title: 'From identifier to the end of the login',
    definition:
      'Seconds from the start of a login with an identifier to its completion: with the code, and with the time that the offer, PIN and biometrics took. Logins that were not completed are not in it. ' +
      'A percentile is the shortest time that so many of the logins did not exceed (nearest rank).',
    unit: 'seconds',
    denominator: 'None: percentiles over completed logins with an identifier.',
    kind: 'times',
    groups: ['proof'],
    divides: ['proof'],
    query: (scope) => times(scope, { of: `${signedIn} and l.identified and l.completed_at is not null`, seconds: "date_part('epoch', l.completed_at - l.started_at)", own: [proof] }),
  },
]
