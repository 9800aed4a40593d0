/** The page of the demo: a phone with the app's screens on one side, the events on the other. */
import { html } from 'hono/html'

export const page = ({ person, policies }: { person: { email: string; password: string }; policies: readonly string[] }) => html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Keyledger: a login and its events</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/style.css">
  <script type="module" src="/app.js"></script>
</head>
<body>
  <header>
    <h1>Keyledger</h1>
    <p>A login as an app shows it, and every event as it is written.</p>
    <form id="demo">
      <label>Policy <select name="policy">${policies.map((name) => html`<option>${name}</option>`)}</select></label>
      <button type="button" id="newcomer">Somebody new</button>
    </form>
  </header>
  <main>
    <section class="phone" aria-labelledby="app-name">
      <h2 id="app-name">Northwind</h2>
      <div id="inbox" role="status"></div>
      <div id="message" role="status"></div>
      <div id="screen" aria-live="polite" data-email="${person.email}" data-password="${person.password}"></div>
    </section>
    <section class="events" aria-labelledby="events-title">
      <h2 id="events-title">Events</h2>
      <p id="empty">Nothing has been written yet. Enter an identifier on the left.</p>
      <ol id="events" tabindex="0" aria-label="Events, the newest first"></ol>
    </section>
  </main>
</body>
</html>`
