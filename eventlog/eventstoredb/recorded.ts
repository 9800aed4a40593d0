import type { Position as Place, RecordedEvent } from '@eventstore/db-client'
import type { JsonObject, Metadata, Position, Recorded } from '../event-log.ts'

export const formatPosition = ({ commit, prepare }: Place): Position => `${commit}:${prepare}`

/** @throws TypeError for a position of another store */
export const parsePosition = (position: Position): Place => {
  const parts = position.match(/^(\d+):(\d+)$/)
  if (!parts) throw new TypeError(`not a position of EventStoreDB: ${position}`)
  return { commit: BigInt(parts[1]!), prepare: BigInt(parts[2]!) }
}

export const isAfter = (a: Place, b: Place) => a.commit > b.commit || (a.commit === b.commit && a.prepare > b.prepare)

/** The event's position is there since EventStoreDB 22.6, in reads of streams too. */
export const recorded = ({ id, type, data, metadata, streamId, revision, position }: RecordedEvent): Recorded => ({
  id,
  type,
  data: data as JsonObject,
  metadata: metadata as Metadata,
  stream: streamId,
  revision: Number(revision),
  position: formatPosition(position!),
})
