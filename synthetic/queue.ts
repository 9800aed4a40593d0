/** What comes first is taken first; what was added first of what comes at the same moment. A binary heap. */
export type Queue<T> = {
  add(at: number, item: T): void
  take(): { at: number; item: T } | undefined
}

export function createQueue<T>(): Queue<T> {
  type Entry = { at: number; number: number; item: T }
  const heap: Entry[] = []
  let added = 0
  const isBefore = (one: Entry, other: Entry): boolean => one.at < other.at || (one.at === other.at && one.number < other.number)
  const entry = (index: number): Entry => heap[index] as Entry

  return {
    add(at, item) {
      const one = { at, number: added++, item }
      let index = heap.length
      heap.push(one)
      while (index > 0) {
        const above = (index - 1) >> 1
        if (!isBefore(one, entry(above))) break
        heap[index] = entry(above)
        index = above
      }
      heap[index] = one
    },
    take() {
      const [first] = heap
      const last = heap.pop()
      if (!first || !last || heap.length === 0) return first
      let index = 0
      for (;;) {
        let below = 2 * index + 1
        if (below >= heap.length) break
        if (below + 1 < heap.length && isBefore(entry(below + 1), entry(below))) below += 1
        if (!isBefore(entry(below), last)) break
        heap[index] = entry(below)
        index = below
      }
      heap[index] = last
      return first
    },
  }
}
