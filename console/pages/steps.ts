import { html } from 'hono/html'
import { section } from '../figures.ts'
import type { FiguresPage } from './page.ts'

const login = ['logins', 'passkey-login-rate', 'passkey-login-rate-of-holders', 'passkey-login-success', 'fallbacks', 'login-time', 'completion-time']
const steps = ['code', 'code-delivery-failures', 'pin', 'biometrics', 'biometrics-switched-off']

export const stepsAndLogin: FiguresPage = {
  path: '/console/steps',
  title: 'Login and steps',
  role: 'analyst',
  keepsQuestion: true,
  lead: 'How people sign in, how long it takes, and what becomes of code, PIN and biometrics.',
  own: [],
  async show({ ask }) {
    const answers = await Promise.all([...login, ...steps].map((name) => ask(name)))
    return html`<div class="grid">${answers.map((asked) => section(asked, undefined, 'half'))}</div>`
  },
}
