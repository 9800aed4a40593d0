/** Which rows are not shown, since they are about too few people. */

export type Counted = { key: Readonly<Record<string, string>>; people: number }

/**
 * Rows of fewer than `k` people; and where exactly one of the rows that make up a total would be hidden, the next smallest too: otherwise the total
 * less the others gives it away; but for nobody, of whom nothing is to be given away. `divides`: the parts of the key that divide a total; rows that
 * differ in one of them alone make up one.
 * It keeps a group from being read off by accident, not from somebody who asks about overlapping ones again and again.
 */
export function hidden<Row extends Counted>(rows: readonly Row[], k: number, divides: readonly string[]): Set<Row> {
  const out = new Set(k > 1 ? rows.filter(({ people }) => people < k) : [])
  const lines = divides.flatMap((part) => [...Map.groupBy(rows, ({ key }) => JSON.stringify({ ...key, [part]: null })).values()]).filter((line) => line.length > 1)
  for (let before = -1; before !== out.size; ) {
    before = out.size
    for (const line of lines) {
      const [alone, another] = line.filter((row) => out.has(row))
      const next = line.filter((row) => !out.has(row)).toSorted(bySize)[0]
      if (alone && alone.people > 0 && !another && next) out.add(next)
    }
  }
  return out
}

/** Of two of one size always the same one. */
const bySize = (a: Counted, b: Counted): number => a.people - b.people || (JSON.stringify(a.key) < JSON.stringify(b.key) ? -1 : 1)
