/** Between the store's values and the messages of the service definitions that the client ships. */
import { Metadata, status, type ServiceError } from '@grpc/grpc-js'
import shared, { type StreamIdentifier, type UUID } from '@eventstore/db-client/generated/shared_pb.js'
import wireStatus from '@eventstore/db-client/generated/status_pb.js'
import wire, { type AppendReq, type BatchAppendReq, type ReadReq, type ReadResp } from '@eventstore/db-client/generated/streams_pb.js'
import protobuf from 'google-protobuf/google/protobuf/any_pb.js'
import { maxAppendSize, type Expected, type Proposed, type Refusal, type Stored, type Written } from './store.ts'

export const nameOf = (identifier: StreamIdentifier | undefined) => Buffer.from(identifier!.getStreamName_asU8()).toString()
const identifierOf = (stream: string) => new shared.StreamIdentifier().setStreamName(Buffer.from(stream))

export const proposed = (message: AppendReq.ProposedMessage | BatchAppendReq.ProposedMessage): Proposed => ({
  id: message.getId()!.getString(),
  type: message.getMetadataMap().get('type')!,
  contentType: message.getMetadataMap().get('content-type')!,
  data: message.getData_asB64(),
  metadata: message.getCustomMetadata_asB64(),
})

export const expectedOf = (options: { hasNoStream(): boolean; hasAny(): boolean }, revision: string): Expected =>
  options.hasNoStream() ? 'none' : options.hasAny() ? 'any' : Number(revision)

const recorded = (stored: Stored) => {
  const event = new wire.ReadResp.ReadEvent.RecordedEvent()
    .setId(new shared.UUID().setString(stored.id))
    .setStreamIdentifier(identifierOf(stored.stream))
    .setStreamRevision(String(stored.revision))
    .setCommitPosition(String(stored.position))
    .setPreparePosition(String(stored.position))
    .setData(stored.data)
    .setCustomMetadata(stored.metadata)
  // In ticks of 100 ns.
  event.getMetadataMap().set('type', stored.type).set('content-type', stored.contentType).set('created', `${stored.created}0000`)
  return event
}
export const eventMessage = (stored: Stored): ReadResp =>
  new wire.ReadResp().setEvent(new wire.ReadResp.ReadEvent().setEvent(recorded(stored)).setCommitPosition(String(stored.position)))

export const notFoundMessage = (stream: string): ReadResp =>
  new wire.ReadResp().setStreamNotFound(new wire.ReadResp.StreamNotFound().setStreamIdentifier(identifierOf(stream)))

export const checkpointMessage = (position: number): ReadResp => new wire.ReadResp().setCheckpoint(
  new wire.ReadResp.Checkpoint().setCommitPosition(String(position)).setPreparePosition(String(position)))

/** As exceptions travel: a status, and in the trailers what happened. */
export const failure = (code: status, exception: string, fields: Record<string, string>): Partial<ServiceError> => {
  const metadata = new Metadata()
  for (const [key, value] of Object.entries({ exception, ...fields })) metadata.set(key, value)
  return { code, details: exception, metadata }
}
export const failureOf = (refusal: Refusal, stream: string): Partial<ServiceError> => {
  switch (refusal.refused) {
    case 'stream-deleted': return failure(status.FAILED_PRECONDITION, refusal.refused, { 'stream-name': stream })
    case 'maximum-append-size-exceeded': return failure(status.INVALID_ARGUMENT, refusal.refused, { 'maximum-append-size': String(maxAppendSize) })
    case 'wrong-expected-version': return failure(status.FAILED_PRECONDITION, refusal.refused,
      { 'stream-name': stream, 'expected-version': '-2', 'actual-version': String(refusal.current === 'none' ? -1 : refusal.current) })
  }
}

/** The answer of `Append`, where a wrong expectation is no exception. */
export const appendResponse = (outcome: Written | Extract<Refusal, { refused: 'wrong-expected-version' }>) => {
  const response = new wire.AppendResp()
  if ('refused' in outcome) {
    const wrong = new wire.AppendResp.WrongExpectedVersion()
    return response.setWrongExpectedVersion(outcome.current === 'none' ? wrong : wrong.setCurrentRevision(String(outcome.current)))
  }
  const success = new wire.AppendResp.Success().setCurrentRevision(String(outcome.revision))
  const position = new wire.AppendResp.Position().setCommitPosition(String(outcome.position)).setPreparePosition(String(outcome.position))
  return response.setSuccess(outcome.position === undefined ? success : success.setPosition(position))
}

const detailsOf = (refusal: Refusal) => {
  const details = new protobuf.Any()
  const pack = (message: { serializeBinary(): Uint8Array }, name: string) => {
    details.pack(message.serializeBinary(), `event_store.client.${name}`)
    return details
  }
  switch (refusal.refused) {
    case 'stream-deleted': return pack(new shared.StreamDeleted(), 'StreamDeleted')
    case 'maximum-append-size-exceeded':
      return pack(new shared.MaximumAppendSizeExceeded().setMaxappendsize(maxAppendSize), 'MaximumAppendSizeExceeded')
    case 'wrong-expected-version': {
      const wrong = new shared.WrongExpectedVersion()
      return pack(refusal.current === 'none' ? wrong : wrong.setCurrentStreamRevision(String(refusal.current)), 'WrongExpectedVersion')
    }
  }
}

/** The answer in `BatchAppend`, where everything is a message. */
export const batchResponse = (outcome: Written | Refusal, correlation: UUID, stream: string) => {
  const response = new wire.BatchAppendResp().setCorrelationId(correlation).setStreamIdentifier(identifierOf(stream))
  if ('refused' in outcome) return response.setError(new wireStatus.Status().setDetails(detailsOf(outcome)))
  const success = new wire.BatchAppendResp.Success().setCurrentRevision(String(outcome.revision))
  const position = new shared.AllStreamPosition().setCommitPosition(String(outcome.position)).setPreparePosition(String(outcome.position))
  return response.setSuccess(outcome.position === undefined ? success : success.setPosition(position))
}

/** Which events a filtered read wants. */
export const filterOf = (options: ReadReq.Options): ((stored: Stored) => boolean) => {
  const filter = options.getFilter()
  if (!filter) return () => true
  const expression = filter.getStreamIdentifier() ?? filter.getEventType()!
  const [prefixes, regex] = [expression.getPrefixList(), expression.getRegex()]
  const wanted = (text: string) => (regex === '' ? prefixes.some(prefix => text.startsWith(prefix)) : new RegExp(regex).test(text))
  return stored => wanted(filter.hasStreamIdentifier() ? stored.stream : stored.type)
}
