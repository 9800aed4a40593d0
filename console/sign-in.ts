/** The way in and out: through the company's provider, or with the console key. */
import { Hono } from 'hono'
import { html } from 'hono/html'
import { isFromHere, type Access } from '../access/access.ts'
import { failed, returnTo, shown, signInAt } from './guard.ts'
import { notice, page, type Html } from './layout.ts'

export function signInRoutes(access: Access, onError: (error: unknown) => void): Hono {
  return new Hono()
    .onError(failed(onError))
    .get('/sign-in', async (c) => {
      const to = returnTo(c.req.query('to'))
      return access.by === 'key' ? shown(c, keyPage(to)) : c.redirect(await access.askProvider(c, to), 303)
    })
    .get('/callback', async (c) => c.redirect(await access.takeAnswer(c), 303))
    .get('/signed-out', (c) => shown(c, page({ title: 'Signed out', main: notice('You are signed out', html`<a href="${signInAt('/console')}">Sign in</a>`) })))
    // Lets nobody have a browser sign in, or out, from a page elsewhere (OWASP, login CSRF).
    .post('*', async (c, next) => (isFromHere(c) ? next() : shown(c, page({ title: 'Refused', main: notice('This came from somewhere else', 'Open the console itself and try again there.') }), 403)))
    .post('/sign-in', async (c) => {
      const { key, to } = await c.req.parseBody()
      const target = returnTo(typeof to === 'string' ? to : undefined)
      if (typeof key === 'string' && (await access.takeKey(c, key.trim()))) return c.redirect(target, 303)
      return shown(c, keyPage(target, true), 403)
    })
    .post('/sign-out', (c) => {
      access.signOut(c)
      return c.redirect('/console/signed-out', 303)
    })
}

const keyPage = (to: string, wrong = false): Html =>
  page({
    title: 'Sign in',
    scripts: ['sign-in.js'],
    main: html`<section class="notice">
  <h1>Sign in to the console</h1>
  <form method="post" action="/console/sign-in" id="sign-in">
    <input type="hidden" name="to" value="${to}">
    <label for="key">The console key</label>
    <p id="hint"><code>npm start</code> prints it, and <code>data/console.key</code> has it.</p>
    ${wrong ? html`<p class="fault" id="fault" role="alert">This is not the key.</p>` : ''}
    <input id="key" name="key" type="password" autocomplete="off" required autofocus aria-describedby="hint${wrong ? ' fault' : ''}"${wrong ? html` aria-invalid="true"` : ''}>
    <button class="main">Sign in</button>
  </form>
</section>`,
  })
