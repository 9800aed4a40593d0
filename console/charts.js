// Lines over time, drawn from the table that stands below them. Without this script the table says it all.
/** @typedef {import('uplot')} Plot */
/** @typedef {import('uplot').AlignedData} AlignedData */
const { uPlot: Plot } = /** @type {{ uPlot: typeof import('uplot') }} */ (/** @type {unknown} */ (globalThis))

/** @type {Map<Element, Plot>} */
const drawn = new Map()
const dashes = [[], [6, 4], [2, 3], [10, 3, 2, 3]]
const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

/** @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
/** What `light-dark()` comes to now, which a canvas does not work out. @param {string} name */
function resolved(name) {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color || colour(name)
}

/** @param {HTMLTableElement} table @returns {{ data: AlignedData, names: string[], from: number | undefined }} */
function read(table) {
  const rows = [...table.querySelectorAll('tbody tr')].filter((row) => row instanceof HTMLTableRowElement).toReversed()
  const names = [...table.querySelectorAll('thead th')].slice(1).map(({ textContent }) => textContent ?? '')
  const at = rows.map(({ dataset }) => Date.parse(dataset['period'] ?? '') / 1000)
  const lines = names.map((_, n) => rows.map(({ cells }) => {
    const value = cells[n + 1]?.dataset['value']
    return value === undefined ? null : Number(value)
  }))
  const provisional = rows.findIndex(({ dataset }) => dataset['provisional'] !== undefined)
  return { data: [at, ...lines], names, from: provisional < 0 ? undefined : at[provisional] }
}

/** With the year where it begins. @param {number} at @param {number | undefined} before */
function dayOf(at, before) {
  const year = new Date(at * 1000).getUTCFullYear()
  return before !== undefined && new Date(before * 1000).getUTCFullYear() === year ? day.format(at * 1000) : `${day.format(at * 1000)}\n${year}`
}

/** @param {Element} section */
function draw(section) {
  const place = section.querySelector('.chart')
  const table = section.querySelector('table[data-chart]')
  if (!(place instanceof HTMLElement) || !(table instanceof HTMLTableElement)) return
  drawn.get(place)?.destroy()
  const { data, names, from } = read(table)
  // One point is no line.
  if (data[0].length < 2) return
  place.hidden = false
  place.setAttribute('role', 'img')
  place.setAttribute('aria-label', `${table.caption?.textContent ?? ''}: lines over time. The table below has the figures.`)
  const [line, quiet, shade] = [resolved('--line'), resolved('--quiet'), resolved('--shade')]
  const axis = { stroke: quiet, grid: { stroke: line, width: 1 }, ticks: { stroke: line }, font: '12px system-ui, sans-serif' }
  const kind = table.dataset['chart']
  /** @param {number} value */
  const shown = (value) => (kind === 'share' || kind === 'comparison' ? percent.format(value) : kind === 'times' ? `${whole.format(value)} s` : whole.format(value))
  const plot = new Plot(
    {
      width: place.clientWidth,
      height: 220,
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      tzDate: (at) => Plot.tzDate(new Date(at * 1000), 'Etc/UTC'),
      scales: { y: { range: (_, __, most) => [0, kind === 'share' ? Math.min(1, most * 1.1 || 1) : most * 1.1 || 1] } },
      axes: [{ ...axis, values: (_, at) => at.map((one, n) => dayOf(one, at[n - 1])) }, { ...axis, size: 56, values: (_, values) => values.map(shown) }],
      series: [{}, ...names.map((name, n) => ({ label: name, stroke: resolved(`--line-${n}`), width: 2, dash: dashes[n % dashes.length] ?? [], points: { show: data[0].length < 40, size: 5 } }))],
      hooks: {
        // What may still change is not taken for a fall.
        drawClear: [(self) => {
          if (from === undefined) return
          const left = self.valToPos(from, 'x', true)
          self.ctx.fillStyle = shade
          self.ctx.fillRect(left, self.bbox.top, self.bbox.left + self.bbox.width - left, self.bbox.height)
        }],
        setCursor: [(self) => {
          const n = self.cursor.idx
          const rows = [...table.querySelectorAll('tbody tr')].toReversed()
          for (const [index, row] of rows.entries()) row.classList.toggle('pointed', index === n)
        }],
      },
    },
    data,
    place,
  )
  drawn.set(place, plot)
  widths.observe(place)
}

const widths = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const plot = drawn.get(target)
    if (plot && Math.abs(plot.width - contentRect.width) > 1) plot.setSize({ width: contentRect.width, height: 220 })
  }
})

const drawAll = () => {
  for (const section of document.querySelectorAll('section.metric')) draw(section)
}
drawAll()
document.addEventListener('figures', ({ target }) => target instanceof Element && draw(target))
document.addEventListener('theme', drawAll)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll)
