/** Who may open a page. Who is not signed in is led there, and then to where they were going. */
import type { Context, ErrorHandler, MiddlewareHandler } from 'hono'
import { html } from 'hono/html'
import { AccessDenied, ProviderAway, SignInRefused } from '../access/access-denied.ts'
import type { Access } from '../access/access.ts'
import { may, type Role } from '../access/roles.ts'
import { notice, page, policy, type Html, type Place } from './layout.ts'

/** A page of the console, and no other address: nobody is led elsewhere by a link to the sign-in. */
export function returnTo(wanted: string | undefined): string {
  const url = URL.parse(wanted ?? '', 'http://console')
  return url?.origin === 'http://console' && /^\/console(\/|$)/.test(url.pathname) ? `${url.pathname}${url.search}` : '/console'
}

export const signInAt = (to: string): string => `/console/sign-in?${new URLSearchParams({ to })}`

export const requirePage =
  ({ identify }: Access, role: Role, places: readonly Place[]): MiddlewareHandler =>
  async (c, next) => {
    const identity = await identify(c)
    if (!identity) {
      const { pathname, search } = new URL(c.req.url)
      return c.redirect(signInAt(`${pathname}${search}`), 303)
    }
    c.set('identity', identity)
    if (!may(identity, role)) {
      const told = `This page takes the role ${role}. You are signed in as ${identity.name ?? identity.subject}${identity.roles.length > 0 ? `, with the role ${identity.roles.join(', ')}` : ', with no role here'}.`
      return shown(c, page({ title: 'Not for you', identity, places, main: notice('This page is not for your role', told, 'Whoever looks after the sign-in of your company can give you the role; then sign out here and in again.') }), 403)
    }
    await next()
  }

export function shown(c: Context, content: Html, status: 200 | 400 | 401 | 403 | 404 | 500 | 503 = 200): Response | Promise<Response> {
  // Without a referrer a form would not say where it comes from either (Fetch, 3.2): the sign-in looks at that.
  return c.html(content, status, { 'Content-Security-Policy': policy, 'Referrer-Policy': 'same-origin' })
}

/** What went wrong, for people. `onError` is told what is ours. */
export const failed =
  (onError: (error: unknown) => void): ErrorHandler =>
  (error, c) => {
    const again = html`<a href="${signInAt('/console')}">Sign in again</a>`
    if (error instanceof ProviderAway) {
      c.header('Retry-After', '1')
      return shown(c, page({ title: 'Out of reach', main: notice('The sign-in of your company is out of reach', 'It does not answer just now. Try again in a moment.', again) }), 503)
    }
    if (error instanceof SignInRefused) {
      // A provider that says no, or an answer that is not as agreed. Without a cause it is a browser that came without its cookie.
      if (error.cause !== undefined) onError(error)
      return shown(c, page({ title: 'Not signed in', main: notice('The sign-in did not succeed', 'It took too long, was begun in another browser, or was refused.', again) }), 400)
    }
    if (error instanceof AccessDenied && error.code === 'access_not_configured') {
      return shown(c, page({ title: 'Off', main: notice('The console is off', html`Nobody may look here: the configuration of the engine has no <code>access</code>. <code>docs/operate.md</code>, “Who may look”, says how to give it one.`) }), 403)
    }
    if (error instanceof AccessDenied) return shown(c, page({ title: 'Not signed in', main: notice('You are not signed in', again) }), 401)
    onError(error)
    return shown(c, page({ title: 'An error', main: notice('This should not have happened', 'It was written to the log of the engine.', html`<a href="/console">Back to the overview</a>`) }), 500)
  }
