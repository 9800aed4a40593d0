import { palette } from './palette.ts'

/** How `/reference` looks: light and dark, and as narrow as a phone. */
export const style = `
${palette}
:root { font: 16px/1.5 system-ui, sans-serif; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); display: grid; grid-template-columns: 17rem minmax(0, 60rem); gap: 0 2rem; padding: 0 1.5rem 3rem; }
header { grid-column: 1 / -1; padding: 1.5rem 0 .5rem; max-width: 60rem; }
h1, h2, h3, h4, p { margin: 0 0 .5rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.25rem; margin-top: 1.5rem; }
h3 { font-size: 1.05rem; }
h4 { font-size: .9rem; margin-top: 1rem; }
a { color: var(--accent); }
h3 a { color: inherit; text-decoration: none; }
h3 a:hover, nav a:hover { text-decoration: underline; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow: auto; padding: 1.5rem .25rem; font-size: .9rem; }
nav ul { list-style: none; margin: .25rem 0 .75rem; padding: 0; }
nav a { display: block; padding: .2rem .5rem; text-decoration: none; overflow-wrap: anywhere; }
summary { cursor: pointer; font-weight: 600; padding: .25rem 0; }
article { background: var(--surface); border: 1px solid var(--line); border-radius: .75rem; padding: 1rem 1.25rem; margin-bottom: 1rem; scroll-margin-top: 1rem; }
.request b { color: var(--accent); font-size: .85rem; letter-spacing: .04em; margin-right: .25rem; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin-bottom: .5rem; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-top: 1px solid var(--line); }
th { font-weight: 600; }
thead th { border: 0; color: var(--quiet); }
tbody th { width: 13rem; }
tbody th[scope=row] code { font-weight: 600; }
small { color: var(--quiet); font-weight: 400; }
details table { margin-top: .25rem; }
article summary { font-size: .9rem; }
details tbody th { width: 4rem; }
:target { border-color: var(--accent); }
@media (max-width: 56rem) {
  body { grid-template-columns: minmax(0, 1fr); padding: 0 .75rem 2rem; }
  nav { position: static; max-height: none; padding: .5rem 0; }
  article { padding: .75rem; }
  table, tbody, tr, th, td { display: block; width: auto; padding: 0; border: 0; }
  thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  tbody tr { border-top: 1px solid var(--line); padding: .4rem 0; }
}
`
