// The page asks for itself again while it is looked at, and takes over what has changed. It moves no focus, closes nothing, and can be held.
const everyMs = 10_000

// A key that came along though one is signed in.
if (location.hash.startsWith('#klc_')) history.replaceState(null, '', `${location.pathname}${location.search}`)

const live = document.querySelector('#live')
const asOf = document.querySelector('#as-of')
/** What the server sent, since what is shown may have been opened or drawn on. @type {Map<string, string>} */
const sent = new Map()
for (const part of parts(document)) sent.set(part.id, part.outerHTML)

/** @param {Document} of @returns {HTMLElement[]} */
function parts(of) {
  return [...of.querySelectorAll('[data-live]')].filter((part) => part instanceof HTMLElement)
}

/** @param {Document} fresh */
function take(fresh) {
  const [now, then] = [parts(document), parts(fresh)]
  // Another page by now: one that was empty and has figures, or the other way round.
  if (now.map(({ id }) => id).join() !== then.map(({ id }) => id).join()) {
    if (document.activeElement === document.body || document.activeElement === null) location.reload()
    return
  }
  for (const part of then) {
    const shown = document.getElementById(part.id)
    const html = part.outerHTML
    // Whoever is in it with the keyboard keeps it as it is, until the next time.
    if (!shown || sent.get(part.id) === html || shown.contains(document.activeElement)) continue
    const opened = [...shown.querySelectorAll('details')].map(({ open }) => open)
    const scrolled = [...shown.querySelectorAll('.scroll')].map(({ scrollTop, scrollLeft }) => ({ scrollTop, scrollLeft }))
    sent.set(part.id, html)
    shown.replaceWith(part)
    for (const [n, details] of [...part.querySelectorAll('details')].entries()) details.open = opened[n] ?? false
    for (const [n, area] of [...part.querySelectorAll('.scroll')].entries()) Object.assign(area, scrolled[n])
    part.dispatchEvent(new Event('figures', { bubbles: true }))
  }
  const said = fresh.querySelector('#as-of')?.innerHTML
  if (asOf && said !== undefined && asOf.innerHTML !== said) asOf.innerHTML = said
}

async function refresh() {
  if (document.visibilityState !== 'visible' || live?.getAttribute('aria-pressed') !== 'true') return
  try {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' }, redirect: 'manual' })
    // The session is over: nothing is taken away from under somebody's eyes.
    if (answer.type === 'opaqueredirect' || answer.status === 401 || answer.status === 403) return hold('You are signed out: load the page again')
    if (answer.ok || answer.status === 503) take(new DOMParser().parseFromString(await answer.text(), 'text/html'))
  } catch {
    // Out of reach for now; the figures say as of when they are.
  }
}

/** @param {string} why */
function hold(why) {
  live?.setAttribute('aria-pressed', 'false')
  if (asOf) asOf.textContent = why
}

if (live instanceof HTMLElement) {
  live.hidden = false
  if (localStorage.getItem('live') === 'off') live.setAttribute('aria-pressed', 'false')
  live.addEventListener('click', () => {
    const on = live.getAttribute('aria-pressed') !== 'true'
    live.setAttribute('aria-pressed', String(on))
    localStorage.setItem('live', on ? 'on' : 'off')
    if (on) void refresh()
  })
}
setInterval(refresh, everyMs)
document.addEventListener('visibilitychange', refresh)
