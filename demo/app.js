// The app's screens. It keeps no flow of its own: what comes next is what the last answer says.
// The passkey ceremonies are those of WebAuthn Level 3, in the JSON forms that browsers read and write themselves.

/** @typedef {import('../mobile-contracts/answers.ts').SessionAnswer} SessionAnswer */
/** @typedef {import('../mobile-contracts/answers.ts').Problem} Problem */
/** @typedef {Partial<SessionAnswer & Omit<Problem, keyof SessionAnswer>> & { passkeys?: PasskeyItem[] }} Body */
/** @typedef {{ id: string, name: string, status: string, createdAt: string, here: boolean }} PasskeyItem */

const screen = /** @type {HTMLElement} */ (document.querySelector('#screen'))
const messageLine = /** @type {HTMLElement} */ (document.querySelector('#message'))
const inbox = /** @type {HTMLElement} */ (document.querySelector('#inbox'))
const known = { email: screen.dataset['email'] ?? '', password: screen.dataset['password'] ?? '' }

let flowToken = ''
/** @type {SessionAnswer | undefined} */
let state
/** @type {{ accessToken: string, refreshToken: string } | undefined} */
let tokens
let passwordFilled = false
/** @type {string | undefined} */
let promptedFor

/** @param {Uint8Array} bytes */
const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)))
const installation = (() => {
  const kept = localStorage.getItem('installation') ?? crypto.randomUUID()
  localStorage.setItem('installation', kept)
  return kept
})()

/**
 * One request under one key, sent again until an answer comes.
 * @param {string} method @param {string} href @param {object | undefined} body @param {string} bearer
 * @returns {Promise<{ status: number, body: Body }>}
 */
async function request(method, href, body, bearer) {
  const key = random()
  for (let attempt = 0; ; attempt += 1) {
    try {
      const response = await fetch(href, {
        method,
        headers: {
          'idempotency-key': key,
          ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      const text = await response.text()
      return { status: response.status, body: text ? JSON.parse(text) : {} }
    } catch (error) {
      if (attempt === 5) throw error
      await new Promise((resume) => setTimeout(resume, 200 * 2 ** attempt))
    }
  }
}

/** @param {string} action @param {object} [fields] */
async function take(action, fields = {}) {
  const next = state?.next.find((one) => one.action === action)
  if (!next) return
  await learn(await request(next.method, next.href, fields, flowToken))
}

/** @param {{ identifier?: string, entryPoint?: string }} fields */
async function start(fields) {
  flowToken = random()
  promptedFor = undefined
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(flowToken))
  const supports = [
    'passkey', 'passkey_options', 'passkey_report', 'password', 'append_options', 'append', 'append_skip', 'append_report',
    'otp_send', 'otp', 'otp_skip', 'pin', 'pin_skip', 'biometrics', 'biometrics_skip',
  ]
  const device = { platform: 'web', locale: Intl.DateTimeFormat().resolvedOptions().locale, conditionalCreate: await mayCreateSilently() }
  const body = { app: 'demo', installation, flowChallenge: base64url(new Uint8Array(digest)), supports, device, ...fields }
  await learn(await request('POST', '/v1/sessions', body, fields.entryPoint === 'settings' ? (tokens?.accessToken ?? '') : ''))
}

async function mayCreateSilently() {
  /** @type {{ getClientCapabilities?: () => Promise<Record<string, boolean>> }} */
  const { getClientCapabilities } = /** @type {any} */ (PublicKeyCredential)
  return (await getClientCapabilities?.call(PublicKeyCredential))?.['conditionalCreate'] ?? false
}

/** @param {{ status: number, body: Body }} reply */
async function learn({ status, body }) {
  if (body.session) state = /** @type {SessionAnswer} */ (body)
  if (body.tokens) tokens = body.tokens
  await signal(body)
  say(status < 400 ? '' : sentence(body), status < 400 ? '' : 'bad')
  show()
}

/** What a credential manager should know of the account (WebAuthn Level 3, 5.1.10). @param {Body} body */
async function signal({ signals, unknownCredentialId }) {
  const { signalAllAcceptedCredentials, signalUnknownCredential } = /** @type {any} */ (PublicKeyCredential)
  const at = { rpId: 'localhost' }
  if (signals) {
    const { rpId, userId, acceptedCredentialIds } = signals
    await signalAllAcceptedCredentials?.call(PublicKeyCredential, { rpId, userId, allAcceptedCredentialIds: acceptedCredentialIds }).catch(() => {})
  }
  if (unknownCredentialId) await signalUnknownCredential?.call(PublicKeyCredential, { ...at, credentialId: unknownCredentialId }).catch(() => {})
}

async function usePasskey() {
  if (!state?.requestOptions) return
  promptedFor = state.requestOptions.challenge
  try {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(/** @type {any} */ (state.requestOptions))
    const credential = /** @type {PublicKeyCredential} */ (await navigator.credentials.get({ publicKey }))
    await take('passkey', { credential: credential.toJSON() })
  } catch (error) {
    await report('passkey_report', error)
  }
}

async function createPasskey() {
  const { mode } = state?.offer ?? {}
  await take('append_options')
  if (!state?.creationOptions) return
  try {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(/** @type {any} */ (state.creationOptions))
    // Without a prompt nobody can dismiss it, and some platforms never answer: a moment must do.
    const mediation = mode === 'conditional' ? { mediation: 'conditional', signal: AbortSignal.timeout(3_000) } : {}
    const credential = /** @type {PublicKeyCredential} */ (await navigator.credentials.create(/** @type {any} */ ({ publicKey, ...mediation })))
    await take('append', { credential: credential.toJSON() })
  } catch (error) {
    await report('append_report', error)
  }
}

/** @param {string} action @param {unknown} error */
async function report(action, error) {
  const { name = 'UnknownError', message = '' } = /** @type {Partial<DOMException>} */ (error)
  // Our own limit is no error of the platform's.
  await take(action, { platform: 'web', code: name === 'TimeoutError' ? 'AbortError' : name, message: message.slice(0, 512) })
}

/** @param {string} text @param {string} kind */
function say(text, kind) {
  messageLine.textContent = text
  messageLine.className = kind
}

/** @type {Record<string, string>} */
const sentences = {
  password_rejected: 'That password is not right.',
  guessing_delayed: 'Too many attempts. Wait a moment, or use your passkey.',
  factor_disabled: 'This was guessed wrong too often and is locked. Use your passkey, or set a new password.',
  passkey_rejected: 'That passkey was not accepted.',
  credential_unknown: 'That passkey is no longer known here. Your device may remove it.',
  identifier_needed: 'No passkey here. Enter your e-mail address.',
  append_rejected: 'The passkey could not be saved.',
  otp_rejected: 'That code is not right.',
  otp_resend_too_soon: 'A new code can be sent in a moment.',
  session_expired: 'That took too long. Start again.',
  session_over: 'You are signed out.',
  insufficient_user_authentication: 'Sign in again first: this needs a login of a moment ago, with your passkey if you have one.',
  no_contact: 'A code is needed, and there is no address that it could go to.',
}
/** @param {Body} problem */
const sentence = ({ code = '', title = '' }) => sentences[String(code)] ?? title

/** @param {string} tag @param {Record<string, any>} properties @param {(Node | string)[]} children */
function element(tag, properties, ...children) {
  const made = document.createElement(tag)
  Object.assign(made, properties)
  made.append(...children)
  return made
}
/** @param {string} label @param {() => unknown} onclick */
const button = (label, onclick, className = '') => element('button', { type: 'button', onclick, className }, label)
/** @param {string} label @param {Record<string, any>} properties */
const field = (label, properties) => element('label', {}, label, element('input', properties))
/**
 * @param {(Node | string)[]} fields @param {string} label @param {(values: Record<string, string>) => unknown} onsubmit
 */
function form(fields, label, onsubmit) {
  const made = element('form', { className: 'step' }, ...fields, element('button', { className: 'main' }, label))
  made.addEventListener('submit', (event) => {
    event.preventDefault()
    onsubmit(/** @type {any} */ (Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (made)))))
  })
  return made
}
/** @param {string} action */
const legal = (action) => state?.next.some((one) => one.action === action) ?? false
/** @param {string} action @param {string} label @param {object} [fields] */
const skip = (action, label, fields) => (legal(action) ? [button(label, () => take(action, fields), 'quiet')] : [])

/** Every screen, by the step that the answer names. @type {Record<string, () => (Node | string)[]>} */
const screens = {
  start: () => [
    element('h3', {}, 'Sign in'),
    form([field('E-mail address', { name: 'identifier', type: 'text', value: known.email, autocomplete: 'username webauthn', required: true })], 'Continue', ({ identifier }) => start({ identifier })),
    button('Sign in with a passkey', () => start({})),
  ],
  passkey: () => [
    element('h3', {}, 'Use your passkey'),
    element('p', {}, 'Your device asks for your face, finger or screen lock.'),
    ...(legal('passkey') ? [button('Use the passkey', usePasskey, 'main')] : []),
    ...(legal('passkey') ? [] : [button('Try the passkey again', async () => { await take('passkey_options'); await usePasskey() }, 'main')]),
    ...(legal('password') ? [passwordForm('Use the password')] : [button('Enter an e-mail address', restart, 'quiet')]),
  ],
  password: () => [element('h3', {}, 'Enter your password'), passwordForm('Sign in')],
  append: () => [
    element('h3', {}, 'Sign in faster next time'),
    element('p', {}, 'Create a passkey: your face, your finger or your screen lock in place of the password.'),
    button('Create a passkey', createPasskey, 'main'),
    ...skip('append_skip', 'Not now', { reason: 'declined' }),
    ...skip('append_skip', 'Never ask again', { reason: 'never' }),
  ],
  otp: () => {
    const { otp } = /** @type {SessionAnswer} */ (state)
    const sending = (otp?.channels ?? []).map((channel) => button(`Send a code by ${channel === 'sms' ? 'SMS' : 'e-mail'}`, () => take('otp_send', { channel }), legal('otp') ? 'quiet' : 'main'))
    return [
      element('h3', {}, 'Confirm that it is you'),
      ...(legal('otp') ? [form([field('Code', { name: 'code', inputMode: 'numeric', autocomplete: 'one-time-code', required: true })], 'Confirm', ({ code }) => take('otp', { code }))] : []),
      ...(legal('otp_send') ? sending : []),
      ...(legal('append_options') ? [button('Create the passkey after all', createPasskey, 'quiet')] : []),
      ...skip('otp_skip', 'Skip'),
    ]
  },
  pin: () => [
    element('h3', {}, 'Set a PIN for this app'),
    form([field('PIN', { name: 'pin', type: 'password', inputMode: 'numeric', autocomplete: 'off', minLength: 4, required: true })], 'Set the PIN', ({ pin }) =>
      take('pin', state?.pin?.keptOn === 'server' ? { pin } : {})),
    ...skip('pin_skip', 'Skip'),
  ],
  biometrics: () => [
    element('h3', {}, 'Unlock with your face or finger?'),
    button('On', () => take('biometrics', { enabled: true }), 'main'),
    button('Off', () => take('biometrics', { enabled: false })),
    ...skip('biometrics_skip', 'Skip'),
  ],
  completed: () => [
    element('h3', {}, state?.session.purpose === 'settings' ? 'Your passkeys' : 'You are signed in'),
    button('My passkeys', listPasskeys),
    button('Add a passkey', () => start({ entryPoint: 'settings' })),
    button('Sign in again', restart, 'main'),
  ],
  over: () => [element('h3', {}, 'This login is over'), button('Start again', restart, 'main')],
}

/** @param {string} label */
function passwordForm(label) {
  const filled = element('label', { className: 'check' }, element('input', { type: 'checkbox', name: 'filled', checked: passwordFilled }), 'A password manager filled it in')
  const recover = state?.next.find((one) => one.action === 'recover')
  return element(
    'div',
    { className: 'step' },
    form(
      [field('Password', { name: 'password', type: 'password', autocomplete: 'current-password', value: known.password, required: true }), filled],
      label,
      ({ password, filled }) => {
        passwordFilled = filled === 'on'
        return take('password', { password, autofilled: passwordFilled })
      },
    ),
    ...(recover ? [element('a', { href: recover.href, className: 'button quiet' }, 'Forgot it?')] : []),
  )
}

function show() {
  const step = !state ? 'start' : state.session.status === 'completed' ? 'completed' : (state.session.step ?? 'over')
  screen.dataset['step'] = step
  screen.replaceChildren(...(screens[step] ?? screens['over'] ?? (() => []))())
  const { requestOptions } = state ?? {}
  // The prompt opens by itself, once for each request.
  if (step === 'passkey' && legal('passkey') && requestOptions && requestOptions.challenge !== promptedFor) usePasskey()
  if (step === 'append' && state?.offer?.outcome === 'offered' && state.offer.mode !== 'manual') createPasskey()
}

function restart() {
  state = undefined
  say('', '')
  show()
}

async function listPasskeys() {
  passkeyScreen(await request('GET', '/v1/passkeys', undefined, tokens?.accessToken ?? ''))
}

/** @param {{ status: number, body: Body }} reply */
async function passkeyScreen({ status, body }) {
  await signal(body)
  if (status >= 400) return say(sentence(body), 'bad')
  say('', '')
  screen.dataset['step'] = 'passkeys'
  const items = (body.passkeys ?? []).map(({ id, name, status, createdAt, here }) =>
    element(
      'li',
      {},
      element('strong', {}, name),
      element('small', {}, `${status}, created ${new Date(createdAt).toLocaleString()}${here ? ', on this device' : ''}`),
      button('Remove', async () => passkeyScreen(await request('DELETE', `/v1/passkeys/${id}`, undefined, tokens?.accessToken ?? '')), 'quiet'),
    ))
  screen.replaceChildren(
    element('h3', {}, 'Your passkeys'),
    items.length > 0 ? element('ul', { className: 'passkeys' }, ...items) : element('p', {}, 'There are none.'),
    button('Back', show),
  )
}

const list = /** @type {HTMLElement} */ (document.querySelector('#events'))
const feed = new EventSource('/demo/events')
feed.addEventListener('event', ({ data }) => {
  const { stream, revision, type, data: fields, metadata } = JSON.parse(data)
  const kind = /Rejected|Failed|Expired|Ended|Revoked|NotShown|Cancelled|NotUsed/.test(type) ? 'refused' : /Verified|Appended|Completed|Activated/.test(type) ? 'good' : ''
  document.querySelector('#empty')?.remove()
  list.prepend(
    element(
      'li',
      { className: kind },
      element('strong', {}, type),
      element('small', {}, `${stream.split('-')[0]} ${stream.split('-')[1]} · ${revision}`),
      element('details', {}, element('summary', {}, `by ${metadata.actor} at ${metadata.at}`), element('pre', { tabIndex: 0 }, JSON.stringify(fields, null, 2))),
    ),
  )
})
feed.addEventListener('message', ({ data }) => {
  const { to, code, template } = JSON.parse(data)
  inbox.textContent = `Message to ${to}: ${code ? `your code is ${code}` : template.replaceAll('_', ' ')}`
})
document.querySelector('#demo select')?.addEventListener('change', async ({ target }) => {
  const { value } = /** @type {HTMLSelectElement} */ (target)
  await request('POST', '/demo/policy', { name: value }, '')
  say(`Policy from the next login on: ${value}`, '')
})
document.querySelector('#newcomer')?.addEventListener('click', async () => {
  const { body } = /** @type {any} */ (await request('POST', '/demo/person', {}, ''))
  Object.assign(known, body)
  inbox.textContent = ''
  tokens = undefined
  restart()
  screen.dataset['email'] = known.email
})
show()
