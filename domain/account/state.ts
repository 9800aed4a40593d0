/** What a person has, folded from the account's events. */
import type { Fact, Sealed } from '../event.ts'
import type { Channel, Factor, PinKeeper } from '../session/vocabulary.ts'
import type { AccountEvent, IdentifierEvent, IdentifierKind, Notice } from './events.ts'

export type Passkey = (AccountEvent & { type: 'PasskeyLinked' })['data'] & {
  status: 'pending' | 'active' | 'revoked'
  linkedAt: string
  name: Sealed | null
  /** The installations that are known to keep it. */
  keptOn: readonly string[]
}

export type Contact = { contact: string; channel: Channel; address: Sealed }

/** A notice that a contact has not been sent yet: the contact as it was when the thing happened that it tells of. */
export type DueNotice = Contact & { notice: Notice; passkey: string; since: string; failures: number; failedAt: string | null }

export type Installation = {
  /** `wrong`: wrong ones in a row; `rejectedAt`: the last of them. */
  pin: { keptOn: PinKeeper; verifier: Sealed | undefined; wrong: number; rejectedAt: string | null } | null
  biometrics: boolean | null
}

export type AccountState = {
  /** Of the last fact folded: its stream has no gaps. */
  revision: number
  registeredAt: string
  status: 'active' | 'disabled' | 'erased'
  /** Guessed wrong too often. */
  disabledFactors: readonly Factor[]
  identifiers: readonly { kind: IdentifierKind; lookup: string; value: Sealed }[]
  contacts: readonly Contact[]
  password: Sealed | null
  mfa: boolean
  locale: string | undefined
  /** Counts among nobody's figures. */
  test: boolean
  passkeys: readonly Passkey[]
  installations: { readonly [installation: string]: Installation }
  neverOffer: boolean
  sessionsRevoked: { at: string; revision: number } | null
  notices: readonly DueNotice[]
}

export const noInstallation: Installation = { pin: null, biometrics: null }

export function evolve(before: AccountState | undefined, fact: Fact<AccountEvent>): AccountState {
  if (fact.type === 'AccountRegistered') {
    return {
      revision: 0,
      registeredAt: fact.at,
      status: 'active',
      disabledFactors: [],
      identifiers: fact.data.identifiers,
      contacts: [],
      password: null,
      mfa: fact.data.mfa,
      locale: fact.data.locale,
      test: fact.data.test ?? false,
      passkeys: [],
      installations: {},
      neverOffer: false,
      sessionsRevoked: null,
      notices: [],
    }
  }
  if (!before) throw new TypeError(`an account cannot begin with ${fact.type}`)
  const state = { ...before, revision: before.revision + 1 }
  const installation = (id: string, change: (before: Installation) => Partial<Installation>): AccountState => {
    const before = state.installations[id] ?? noInstallation
    return { ...state, installations: { ...state.installations, [id]: { ...before, ...change(before) } } }
  }
  const passkey = (id: string, change: (before: Passkey) => Partial<Passkey>): AccountState => ({
    ...state,
    passkeys: state.passkeys.map((one) => (one.passkey === id ? { ...one, ...change(one) } : one)),
  })
  /** Whoever can read a contact is told, whatever becomes of the contact later. */
  const noticed = (notice: Notice, id: string): readonly DueNotice[] => [
    ...state.notices,
    ...state.contacts.map((contact) => ({ ...contact, notice, passkey: id, since: fact.at, failures: 0, failedAt: null })),
  ]
  const notice = ({ notice, passkey, contact }: Pick<DueNotice, 'notice' | 'passkey' | 'contact'>, change: (before: DueNotice) => DueNotice[]): AccountState => ({
    ...state,
    notices: state.notices.flatMap((one) => (one.notice === notice && one.passkey === passkey && one.contact === contact ? change(one) : [one])),
  })
  switch (fact.type) {
    case 'PasswordSet':
      // The same password under another hash is as well guessed as before.
      return { ...state, password: fact.data.hash, disabledFactors: fact.data.reason === 'set' ? without(state.disabledFactors, 'password') : state.disabledFactors }
    case 'ContactAdded':
      return { ...state, contacts: [...state.contacts.filter(({ contact }) => contact !== fact.data.contact), fact.data] }
    case 'ContactRemoved':
      return { ...state, contacts: state.contacts.filter(({ contact }) => contact !== fact.data.contact) }
    case 'MfaSwitched':
      return { ...state, mfa: fact.data.enabled }
    case 'AccountDisabled':
      return { ...state, status: state.status === 'erased' ? 'erased' : 'disabled' }
    case 'AccountEnabled':
      return { ...state, status: state.status === 'erased' ? 'erased' : 'active', disabledFactors: [] }
    case 'FactorDisabled':
      return { ...state, disabledFactors: [...without(state.disabledFactors, fact.data.factor), fact.data.factor] }
    case 'PasskeyLinked':
      return { ...state, passkeys: [...state.passkeys, { ...fact.data, status: 'pending', linkedAt: fact.at, name: null, keptOn: [fact.data.installation] }] }
    case 'PasskeyActivated':
      return { ...passkey(fact.data.passkey, () => ({ status: 'active' })), notices: noticed('passkey_activated', fact.data.passkey) }
    case 'PasskeyUsed': {
      const { counter, backedUp, installation } = fact.data
      return passkey(fact.data.passkey, ({ keptOn }) => ({ counter, backedUp, keptOn: installation === null || keptOn.includes(installation) ? keptOn : [...keptOn, installation] }))
    }
    case 'PasskeyUvInitialized':
      return passkey(fact.data.passkey, () => ({ uvInitialized: true }))
    case 'PasskeyRenamed':
      return passkey(fact.data.passkey, () => ({ name: fact.data.name }))
    case 'PasskeyRevoked': {
      const wasActive = state.passkeys.some((one) => one.passkey === fact.data.passkey && one.status === 'active')
      const revoked = passkey(fact.data.passkey, () => ({ status: 'revoked' }))
      return wasActive ? { ...revoked, notices: noticed('passkey_removed', fact.data.passkey) } : revoked
    }
    case 'NoticeSent':
      return notice(fact.data, () => [])
    case 'NoticeFailed':
      return notice(fact.data, (before) => (fact.data.final ? [] : [{ ...before, failures: before.failures + 1, failedAt: fact.at }]))
    case 'InstallationPinSet':
      return installation(fact.data.installation, () => ({ pin: { keptOn: fact.data.keptOn, verifier: fact.data.verifier, wrong: 0, rejectedAt: null } }))
    case 'InstallationPinRejected':
      return installation(fact.data.installation, ({ pin }) => ({ pin: pin && { ...pin, wrong: pin.wrong + 1, rejectedAt: fact.at } }))
    case 'InstallationPinVerified':
      return installation(fact.data.installation, ({ pin }) => ({ pin: pin && { ...pin, wrong: 0, rejectedAt: null } }))
    case 'InstallationBiometricToggled':
      return installation(fact.data.installation, () => ({ biometrics: fact.data.enabled }))
    case 'AppendPreferenceChanged':
      return { ...state, neverOffer: fact.data.never }
    case 'SessionsRevoked':
      return { ...state, sessionsRevoked: { at: fact.at, revision: state.revision } }
    case 'AccountErased':
      return { ...state, status: 'erased', notices: [] }
  }
}

const without = (factors: readonly Factor[], factor: Factor): Factor[] => factors.filter((one) => one !== factor)

/**
 * Signed in, and over since everybody was signed out. `accountRevision`: the account's when the proof was judged; it tells what came first where clocks
 * do not, since they step back, and differ between engines. For what was written without it the time decides (`authTime`, ISO 8601).
 */
export const isRevoked = ({ sessionsRevoked }: AccountState, { authTime, accountRevision }: { authTime: string; accountRevision?: number | null | undefined }): boolean =>
  sessionsRevoked !== null && (accountRevision == null ? authTime <= sessionsRevoked.at : accountRevision < sessionsRevoked.revision)

/** Who claims an identifier, and since when. Whether the claim counts is for the account to say. */
export type Claim = { account: string | null; since: string }

export const evolveIdentifier = (_: Claim | undefined, fact: Fact<IdentifierEvent>): Claim => ({
  account: fact.type === 'IdentifierClaimed' ? fact.data.account : null,
  since: fact.at,
})
