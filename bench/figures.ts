/** Figures of several windows, and tables of them. */

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** By the nearest rank. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number
}

/** As people read them: three digits that count. */
export const shown = (value: number): string =>
  Number.isNaN(value) ? '-' : value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(value >= 1 ? 3 : 2)

/** The median of several windows, with the lowest and the highest. */
export const spread = (values: readonly number[]): string => `${shown(median(values))} (${shown(Math.min(...values))}-${shown(Math.max(...values))})`

/** In Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
