import { LRUCache } from 'lru-cache'

type Reader = { revision: number; answer: (reached: boolean) => void }

/**
 * Readers that wait until a row has the revision that they have seen. The latest revisions are remembered, so that a reader who came just after
 * the commit need not wait.
 */
export const createWaiting = (remembered = 10_000) => {
  const reached = new LRUCache<string, number>({ max: remembered })
  const readers = new Map<string, Set<Reader>>()

  const answer = (key: string, fits: (reader: Reader) => boolean, result: boolean) => {
    for (const reader of readers.get(key) ?? []) if (fits(reader)) reader.answer(result)
  }

  return {
    /** True as soon as the row has the revision; false after `timeout` ms, or when it is known that it will not come soon. */
    wait: (key: string, revision: number, timeout: number): Promise<boolean> => {
      if ((reached.get(key) ?? -1) >= revision) return Promise.resolve(true)
      return new Promise((resolve) => {
        const reader: Reader = {
          revision,
          answer: (result) => {
            clearTimeout(timer)
            const others = readers.get(key)
            others?.delete(reader)
            if (others?.size === 0) readers.delete(key)
            resolve(result)
          },
        }
        const timer = setTimeout(reader.answer, timeout, false)
        const others = readers.get(key)
        if (others) others.add(reader)
        else readers.set(key, new Set([reader]))
      })
    },

    reach: (key: string, revision: number) => {
      reached.set(key, revision)
      answer(key, (reader) => reader.revision <= revision, true)
    },

    giveUp: (key: string) => answer(key, () => true, false),

    giveUpAll: () => {
      reached.clear()
      for (const key of [...readers.keys()]) answer(key, () => true, false)
    },
  }
}
