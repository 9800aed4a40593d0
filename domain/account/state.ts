/** What a person has, folded from the account's events. */
import type { Fact, Sealed } from '../event.ts'
import type { Channel, PinKeeper } from '../session/vocabulary.ts'
import type { AccountEvent, IdentifierEvent, IdentifierKind } from './events.ts'

export type Passkey = (AccountEvent & { type: 'PasskeyLinked' })['data'] & { status: 'pending' | 'active' | 'revoked'; linkedAt: string }

export type Installation = {
  /** `wrong`: wrong ones in a row; `rejectedAt`: the last of them. */
  pin: { keptOn: PinKeeper; verifier: Sealed | undefined; wrong: number; rejectedAt: string | null } | null
  biometrics: boolean | null
}

export type AccountState = {
  registeredAt: string
  status: 'active' | 'disabled' | 'erased'
  identifiers: readonly { kind: IdentifierKind; lookup: string; value: Sealed }[]
  contacts: readonly { contact: string; channel: Channel; address: Sealed }[]
  password: Sealed | null
  mfa: boolean
  locale: string | undefined
  passkeys: readonly Passkey[]
  installations: { readonly [installation: string]: Installation }
  neverOffer: boolean
  sessionsRevokedAt: string | null
}

export const noInstallation: Installation = { pin: null, biometrics: null }

export function evolve(state: AccountState | undefined, fact: Fact<AccountEvent>): AccountState {
  if (fact.type === 'AccountRegistered') {
    return {
      registeredAt: fact.at,
      status: 'active',
      identifiers: fact.data.identifiers,
      contacts: [],
      password: null,
      mfa: fact.data.mfa,
      locale: fact.data.locale,
      passkeys: [],
      installations: {},
      neverOffer: false,
      sessionsRevokedAt: null,
    }
  }
  if (!state) throw new TypeError(`an account cannot begin with ${fact.type}`)
  const installation = (id: string, change: (before: Installation) => Partial<Installation>): AccountState => {
    const before = state.installations[id] ?? noInstallation
    return { ...state, installations: { ...state.installations, [id]: { ...before, ...change(before) } } }
  }
  const passkey = (id: string, status: Passkey['status']): AccountState => ({
    ...state,
    passkeys: state.passkeys.map((one) => (one.passkey === id ? { ...one, status } : one)),
  })
  switch (fact.type) {
    case 'PasswordSet':
      return { ...state, password: fact.data.hash }
    case 'ContactAdded':
      return { ...state, contacts: [...state.contacts.filter(({ contact }) => contact !== fact.data.contact), fact.data] }
    case 'ContactRemoved':
      return { ...state, contacts: state.contacts.filter(({ contact }) => contact !== fact.data.contact) }
    case 'MfaSwitched':
      return { ...state, mfa: fact.data.enabled }
    case 'AccountDisabled':
      return { ...state, status: state.status === 'erased' ? 'erased' : 'disabled' }
    case 'AccountEnabled':
      return { ...state, status: state.status === 'erased' ? 'erased' : 'active' }
    case 'PasskeyLinked':
      return { ...state, passkeys: [...state.passkeys, { ...fact.data, status: 'pending', linkedAt: fact.at }] }
    case 'PasskeyActivated':
      return passkey(fact.data.passkey, 'active')
    case 'PasskeyRevoked':
      return passkey(fact.data.passkey, 'revoked')
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
      return { ...state, sessionsRevokedAt: fact.at }
    case 'AccountErased':
      return { ...state, status: 'erased' }
  }
}

/** Signed in at `authTime` (ISO 8601), and over since everybody was signed out. */
export const isRevoked = ({ sessionsRevokedAt }: AccountState, authTime: string): boolean => sessionsRevokedAt !== null && authTime <= sessionsRevokedAt

/** Who claims an identifier, and since when. Whether the claim counts is for the account to say. */
export type Claim = { account: string | null; since: string }

export const evolveIdentifier = (_: Claim | undefined, fact: Fact<IdentifierEvent>): Claim => ({
  account: fact.type === 'IdentifierClaimed' ? fact.data.account : null,
  since: fact.at,
})
