import { MaxAppendSizeExceededError, NotLeaderError, AccessDeniedError, StreamDeletedError, WrongExpectedVersionError } from '@eventstore/db-client'
import { OutcomeUnknown, StreamSealed, TooLarge, Unavailable, WrongRevision, type Expected } from '../event-log.ts'

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

// The messages of @grpc/grpc-js and of the client's discovery for a call that never left. All other ends of a call leave it open whether
// the node has it.
const neverSent = /No connection established|Name resolution failed|Channel closed before call started|Failed to discover/

/** What a failed write means. Only what is known to have left nothing behind is anything but `OutcomeUnknown`. */
export const writeFailure = (error: unknown, stream: string, expected: Expected): Error => {
  if (error instanceof OutcomeUnknown) return error
  if (error instanceof WrongExpectedVersionError) return new WrongRevision(stream, expected)
  if (error instanceof StreamDeletedError) return new StreamSealed(`${stream} is sealed`)
  if (error instanceof MaxAppendSizeExceededError) return new TooLarge('the node takes smaller appends only')
  // After a NotLeaderError the client turns to the leader by itself.
  const refused = error instanceof NotLeaderError || error instanceof AccessDeniedError || neverSent.test(messageOf(error))
  return new (refused ? Unavailable : OutcomeUnknown)(messageOf(error), { cause: error })
}

export const readFailure = (error: unknown): Error => (error instanceof Unavailable ? error : new Unavailable(messageOf(error), { cause: error }))
