/** Somebody with a device whose requests are spoiled: what the app would send rightly at each point, and what is learnt from the answers. */
import { randomBytes, randomUUID } from 'node:crypto'
import { requestOf as onTheWire } from '../mobile-contracts/actions.ts'
import type { Tokens } from '../mobile-contracts/answers.ts'
import { operations, type Operation } from '../mobile-contracts/operations.ts'
import { createAuthenticator } from '../stories/authenticator.ts'
import { requestOf, type Draft, type Fuzzed, type Sender } from './testing-fuzz-requests.ts'
import { mutate } from './testing-fuzz-values.ts'
import { backendKey, ceremonyHere, challengeOf, consoleKey, newKey, serverPin, startBody } from './testing.ts'

/** An answer's body, whatever it is. */
export type Answered = { [key: string]: any }
export type Person = ReturnType<typeof createPerson>

const named = (id: string): Operation => operations.find((operation) => operation.id === id) as Operation
const ofAction = (action: string): Operation | undefined => {
  const wanted = Object.hasOwn(onTheWire, action) ? onTheWire[action as keyof typeof onTheWire] : undefined
  return wanted && operations.find(({ method, path }) => method === wanted.method && path === `/v1/sessions/{id}${wanted.path}`)
}
/** What somebody who is signed in does with it. */
const signedIn = [
  'refresh', 'unlock', 'setBiometrics', 'getSession', 'listPasskeys', 'renamePasskey', 'renamePasskey', 'removePasskey', 'removePasskey', 'listContacts', 'replaceContact', 'getAccount', 'addContact', 'setMfa', 'findAccount', 'importAccounts',
  'removeContact', 'removePasskey', 'removePasskey', 'removeAccountPasskey', 'changePassword', 'setPassword', 'signOut', 'endSessions', 'disableAccount', 'enableAccount', 'eraseAccount',
].map(named)
const nothing = '8d0e1c6e-9c3e-5c5b-8f3a-0a6f1d2b3c40'

/** `codeFor`: the last code that was sent to one of these addresses. `queries`: by operation, where there is nothing without one. */
export function createPerson({ codeFor, queries, anybody }: { codeFor: (addresses: readonly string[]) => string | undefined; queries: Readonly<Record<string, string>>; anybody: () => Person }) {
  const device = createAuthenticator()
  let person: { account: string; identifier: string; password: string; addresses: string[]; contact: string; passkey: string } | undefined
  let login: { id: string; flowToken: string; state: Answered } | undefined
  let tokens: Tokens | undefined
  let installation = randomUUID()
  let credential: unknown = { id: 'AAAA' }
  let [flowToken, usedKey, wanted] = ['', newKey(), { identifier: '', password: '' }]

  const completed = (): boolean => login?.state['session'].status === 'completed'
  const next = (): Operation[] => (login?.state['next'] ?? []).flatMap(({ action }: { action: string }) => ofAction(action) ?? [])

  function operationOf({ operation, pick }: Draft): Operation {
    if (typeof operation !== 'string') return operation
    if (!person) return named('createAccount')
    // Now and then a new login begins, whatever became of the one before.
    if (!login || pick % 60 === 0 || (completed() && pick % 4 === 0)) return named('startSession')
    const ways = completed() && login.state['session'].purpose === 'login' ? signedIn : next()
    // Half of those who are asked for a passkey, or offered one, do as they are told.
    if (pick % 2 === 0 && !completed() && ['sendPasskey', 'appendOptions', 'sendAppend'].includes(ways[0]?.id ?? '')) return ways.find(({ id }) => id === 'sendAppend') ?? (ways[0] as Operation)
    return ways[(pick >> 3) % ways.length] ?? named('startSession')
  }

  /** What the app would send. */
  async function rightBody(id: string, pick: number): Promise<unknown> {
    const { state = {} } = login ?? {}
    switch (id) {
      case 'startSession': {
        flowToken = randomBytes(32).toString('base64url')
        const entryPoint = tokens && completed() && pick % 3 === 0 ? { entryPoint: 'settings' } : {}
        const identifier = pick % 9 === 1 ? {} : { identifier: person?.identifier ?? 'nobody@example.com' }
        const { identifier: _, ...rest } = startBody({ flowChallenge: challengeOf(flowToken), installation, ...entryPoint })
        return { ...rest, ...identifier, device: { platform: 'ios', locale: 'de-AT', model: 'Northwind Phone', conditionalCreate: pick % 2 === 0 } }
      }
      case 'sendPasskey': return { credential: (credential = state['requestOptions'] ? await device.get(state['requestOptions'], ceremonyHere).catch(() => credential) : credential) }
      case 'sendAppend': return { credential: (credential = state['creationOptions'] ? await device.create(state['creationOptions'], ceremonyHere).catch(() => credential) : credential) }
      case 'reportPasskey': case 'reportAppend': return { platform: 'ios', code: ['1001', '1004', 'NotAllowedError'][pick % 3], message: 'cancelled' }
      case 'sendPassword': return { password: person?.password ?? 'a password', autofilled: pick % 2 === 0 }
      case 'skipAppend': return { reason: pick % 5 === 0 ? 'never' : 'declined' }
      case 'sendCode': return { channel: state['otp']?.channels[0] ?? 'email' }
      case 'verifyCode': return { code: (person && codeFor([person.identifier, ...person.addresses])) ?? '000000' }
      case 'setPin': return state['pin']?.keptOn === 'server' ? { pin: serverPin } : {}
      case 'unlock': return { pin: serverPin }
      case 'setBiometrics': case 'setMfa': return { enabled: pick % 3 > 0 }
      case 'refresh': return { refreshToken: tokens?.refreshToken ?? 'none' }
      case 'renamePasskey': return { name: `Phone ${pick}` }
      case 'replaceContact': return { channel: 'email', address: person?.identifier ?? 'ada@example.com' }
      case 'addContact': return { channel: 'sms', address: `+4366012${String(pick).padStart(6, '0').slice(-6)}` }
      case 'changePassword': case 'setPassword': return { password: person?.password ?? 'a new password' }
      case 'createAccount':
        wanted = { identifier: `u${randomBytes(6).toString('hex')}@example.com`, password: `battery staple ${pick}` }
        return { identifiers: [wanted.identifier], password: wanted.password, mfa: pick % 5 === 0, locale: 'en' }
      case 'importAccounts': return { accounts: [{ identifiers: [`i${randomBytes(6).toString('hex')}`], passwordHash: '$2b$04$abcdefghijklmnopqrstuu5Y9D5dVjFuzmTq2YyQ3d6Xo8k1QhK5m' }, { identifiers: [person?.identifier ?? 'x'] }] }
      case 'findAudited': return { identifier: person?.identifier ?? 'nobody@example.com', why: `Ticket ${pick}` }
      case 'look': return { stream: pick % 2 === 0 ? `account-${person?.account}` : `session-${login?.id}`, revision: 0, why: `Ticket ${pick}` }
      case 'findAccount': return { identifier: person?.identifier ?? 'nobody@example.com' }
      default: return undefined
    }
  }

  const access = (): string => tokens?.accessToken ?? 'e30.e30.e30'
  const flow = (): string => login?.flowToken ?? 'no-flow-token'
  const rightToken = ({ authorization }: Operation): string => {
    if (authorization.includes('backendKey')) return backendKey
    if (authorization.includes('operatorToken')) return consoleKey
    const duringLogin = !completed() || login?.state['session'].purpose === 'settings' || !authorization.includes('accessToken')
    return authorization.includes('flowToken') && duringLogin ? flow() : access()
  }

  return {
    /** What somebody else may try. */
    any: (): Sender['any'] => ({ id: login?.id ?? person?.account ?? nothing, token: tokens?.accessToken ?? flow() }),

    async draw(draft: Draft): Promise<Fuzzed> {
      const operation = operationOf(draft)
      const right = draft.body.way === 'value' ? undefined : await rightBody(operation.id, draft.pick)
      const body = draft.body.way === 'value' ? draft.body.value : draft.body.way === 'mutated' ? mutate(right, draft.body.mutations) : right
      const id = /^\/v1\/(audit\/)?accounts/.test(operation.path) ? person?.account : operation.path.startsWith('/v1/passkeys') ? person?.passkey : login?.id
      const key = newKey()
      const sender: Sender = {
        right,
        ids: { id: id || nothing, contact: person?.contact || nothing, passkey: person?.passkey || 'AAAA', metric: 'funnel', number: '1' },
        query: queries[operation.id] ?? '',
        any: anybody().any(),
        tokens: { right: rightToken(operation), flow: flow(), access: access(), backend: backendKey, refresh: tokens?.refreshToken ?? 'none' },
        key,
        usedKey,
      }
      if (draft.pick % 7 === 0) usedKey = key
      return requestOf(draft, operation, body, sender)
    },

    /** `body`: of the answer. */
    learn({ operation: { id } }: Fuzzed, draft: Draft, status: number, body: Answered): void {
      const good = status < 300
      const right = draft.body.way === 'right'
      if (good && id === 'createAccount' && right && body['account']) {
        person = { ...wanted, account: body['account'], addresses: [], contact: '', passkey: '' }
        ;[login, tokens, installation] = [undefined, undefined, randomUUID()]
      } else if (good && id === 'startSession' && draft.wire.kind === 'plain' && right && body['session']) login = { id: body['session'].id, flowToken, state: body }
      else if (login && body['session']?.id === login.id) {
        const { requestOptions, creationOptions } = login.state
        login.state = { requestOptions, creationOptions, ...body }
        if (person && body['passkey']) person.passkey = body['passkey'].id
      }
      if (body['tokens']) tokens = body['tokens']
      if (person && good && Array.isArray(body['contacts'])) {
        person.contact = body['contacts'].at(-1)?.id ?? ''
        person.addresses = body['contacts'].map(({ address }: { address: string }) => address)
      }
      if (person && good && Array.isArray(body['passkeys'])) person.passkey = body['passkeys'].at(-1)?.id ?? ''
      if (['ended', 'expired'].includes(login?.state['session'].status)) login = undefined
      const sentRightly = right && draft.token === 'right' && draft.path === 'right' && draft.key === 'fresh' && draft.wire.kind === 'plain'
      if (!sentRightly) return
      // What should have worked: somebody changed or ended it by a request that was bent, and still good.
      if (['session_over', 'session_unknown', 'flow_token_invalid', 'session_ended', 'session_expired', 'refresh_token_invalid'].includes(body['code'])) login = undefined
      if (['account_unknown', 'account_disabled', 'password_rejected', 'no_contact', 'forgotten', 'identifier_needed'].includes(body['code']) || id === 'eraseAccount') [person, login, tokens] = [undefined, undefined, undefined]
    },
  }
}
