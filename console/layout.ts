/** What every page of the console has around it: where one is, where one may go, who one is. */
import { html } from 'hono/html'
import type { Identity, Role } from '../access/roles.ts'
import { may } from '../access/roles.ts'
import { asset, type Asset } from './assets.ts'

export type Html = ReturnType<typeof html>

/** A place in the navigation. `keepsQuestion`: the filters go along to it. */
export type Place = { path: string; title: string; role: Role; keepsQuestion?: true }

export type Page = {
  title: string
  /** Undefined: nobody is signed in. */
  identity?: Identity | undefined
  places?: readonly Place[]
  /** Which of them this is. */
  path?: string
  /** The question's filters, as they go along in links. */
  query?: string
  scripts?: readonly Asset[]
  styles?: readonly Asset[]
  main: Html
}

/** Nothing from elsewhere, nothing inline, and in no frame (Content Security Policy Level 3). */
export const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

export const page = ({ title, identity, places = [], path, query = '', scripts = [], styles = [], main }: Page): Html => html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${title} · Keyledger</title>
  <link rel="icon" href="data:,">
  ${styles.map((name) => html`<link rel="stylesheet" href="${asset(name)}">`)}
  <link rel="stylesheet" href="${asset('console.css')}">
  <script src="${asset('theme.js')}"></script>
  ${scripts.map((name) => html`<script src="${asset(name)}" defer></script>`)}
</head>
<body>
<a class="skip" href="#main">Skip to the figures</a>
<header class="top">
  <p class="brand">Keyledger <span>console</span></p>
  ${identity && places.length > 0 ? html`<nav aria-label="Console"><ul>${places.filter(({ role }) => may(identity, role)).map((place) => entry(place, place.path === path, query))}</ul></nav>` : ''}
  <div class="who">
    <label class="theme" hidden><span>Colours</span> <select id="theme" aria-label="Colours"><option value="system">System</option><option value="light">Light</option><option value="dark">Dark</option></select></label>
    ${identity ? html`<span class="name" title="${identity.roles.join(', ')}">${identity.name ?? identity.subject}</span><form method="post" action="/console/sign-out"><button>Sign out</button></form>` : ''}
  </div>
</header>
<main id="main" tabindex="-1">
${main}
</main>
</body>
</html>`

const entry = ({ path, title, keepsQuestion }: Place, current: boolean, query: string): Html =>
  html`<li>${current ? html`<a href="${path}${keepsQuestion ? query : ''}" aria-current="page">${title}</a>` : html`<a href="${path}${keepsQuestion ? query : ''}">${title}</a>`}</li>`

/** A page that says one thing. */
export const notice = (title: string, ...paragraphs: (string | Html)[]): Html => html`<section class="notice"><h1>${title}</h1>${paragraphs.map((one) => html`<p>${one}</p>`)}</section>`
