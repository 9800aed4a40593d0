import { maxAppendBytes, TooLarge, type NewEvent } from './event-log.ts'

export type Encoded = readonly [id: string, type: string, data: string, metadata: string]

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * What a store may take for one append. EventStoreDB 23.10 counts the data alone; with metadata and type it stays below any node's limit.
 * @throws TypeError for what no store takes, TooLarge
 */
export const encode = (events: readonly NewEvent[]): Encoded[] => {
  if (events.length === 0) throw new TypeError('an append of no events')
  let bytes = 0
  const encoded = events.map(event => {
    if (!uuid.test(event.id)) throw new TypeError('the id of an event is a UUID')
    const [data, metadata] = [JSON.stringify(event.data), JSON.stringify(event.metadata)]
    bytes += Buffer.byteLength(data) + Buffer.byteLength(metadata) + 2 * event.type.length
    return [event.id, event.type, data, metadata] as const
  })
  if (bytes > maxAppendBytes) throw new TooLarge(`${bytes} bytes in one append, ${maxAppendBytes} are allowed`)
  return encoded
}
