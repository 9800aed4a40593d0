/** Reading in batches of what is there, so that a backlog goes fast and what is new goes at once. */

/**
 * What is there now, up to `limit` items, never waiting for more: one live event comes alone and at once, a backlog in large batches. Reads on
 * while the batch is worked on, up to `limit` items ahead.
 */
export async function* inBatches<Item>(source: AsyncIterable<Item>, limit: number): AsyncGenerator<Item[]> {
  let waiting: Item[] = []
  let arrived = Promise.withResolvers<void>()
  let room = Promise.withResolvers<void>()
  let left = false
  let ended = false
  const reading = (async () => {
    try {
      for await (const item of source) {
        if (left) return
        waiting.push(item)
        arrived.resolve()
        if (waiting.length >= limit) await room.promise
      }
    } finally {
      ended = true
      arrived.resolve()
    }
  })()
  // Awaited below, where the error belongs; until then it is no unhandled one.
  reading.catch(() => {})
  try {
    for (;;) {
      await arrived.promise
      arrived = Promise.withResolvers()
      const items = waiting
      waiting = []
      room.resolve()
      room = Promise.withResolvers()
      if (items.length > 0) yield items
      if (ended) {
        if (waiting.length > 0) yield waiting
        return await reading
      }
    }
  } finally {
    left = true
    room.resolve()
  }
}
