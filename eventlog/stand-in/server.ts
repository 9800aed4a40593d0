/**
 * An EventStoreDB in memory, for tests: real gRPC, on the service definitions that the client ships. A process of its own
 * (`server.ts <port> <journal> [<leader's host:port>]`), so that it can be killed and frozen; the journal brings its data back.
 * It says on stdout at which port it listens, takes commands on stdin, and ends when that closes.
 */
import { Server, ServerCredentials, status, type Metadata, type sendUnaryData, type ServerUnaryCall, type ServiceError } from '@grpc/grpc-js'
import gossipServices, { type IGossipServer } from '@eventstore/db-client/generated/gossip_grpc_pb.js'
import gossip from '@eventstore/db-client/generated/gossip_pb.js'
import featureServices, { type IServerFeaturesServer } from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js'
import features from '@eventstore/db-client/generated/serverfeatures_pb.js'
import streamServices, { type IStreamsServer } from '@eventstore/db-client/generated/streams_grpc_pb.js'
import wire, { type AppendReq, type BatchAppendReq, type DeleteReq, type TombstoneReq } from '@eventstore/db-client/generated/streams_pb.js'
import { openSync, readFileSync, writeSync } from 'node:fs'
import type { ServerHttp2Stream } from 'node:http2'
import { appendResponse, batchResponse, expectedOf, failure, failureOf, nameOf, proposed } from './messages.ts'
import { read, subscribe } from './reads.ts'
import { createStore, type Entry, type Proposed } from './store.ts'

const [wantedPort = '0', journal = '', leader] = process.argv.slice(2)
const file = openSync(journal, 'a+')
const past = readFileSync(journal, 'utf8').split('\n').filter(line => line !== '').map(line => JSON.parse(line) as Entry)

const told = new Set<string>()
process.stdin.on('data', command => console.log(told.add(String(command).trim()).size)).on('end', () => process.exit())
const store = createStore(past, entry => {
  writeSync(file, `${JSON.stringify(entry)}\n`)
  if (told.has('lose the next answer')) process.kill(process.pid, 'SIGKILL')
})

/** A follower sends on whoever insists on the leader; in an election nobody is served. */
const refusal = (metadata: Metadata): Partial<ServiceError> | undefined => {
  if (told.has('resign')) return { code: status.UNAVAILABLE, details: 'Server Is Not Ready' }
  if (leader === undefined || metadata.get('requires-leader').length === 0) return undefined
  const [host, port] = leader.split(':')
  return failure(status.NOT_FOUND, 'not-leader', { 'leader-endpoint-host': host!, 'leader-endpoint-port': port! })
}

type Removal<Request, Response> = (call: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>) => void
const remove = <Request extends DeleteReq | TombstoneReq, Response>(
  op: 'delete' | 'tombstone', response: (position: string) => Response,
): Removal<Request, Response> => (call, answer) => {
  const refused = refusal(call.metadata)
  if (refused) return answer(refused)
  const stream = nameOf(call.request.getOptions()!.getStreamIdentifier())
  const outcome = store.remove(op, stream)
  if ('refused' in outcome) answer(failureOf(outcome, stream))
  else answer(null, response(String(outcome.position)))
}

const streams: IStreamsServer = {
  read(call) {
    const [refused, options] = [refusal(call.metadata), call.request.getOptions()!]
    if (refused) call.emit('error', refused)
    else void (options.hasSubscription() ? subscribe : read)(store, call, options)
  },

  append(call, answer) {
    let options: AppendReq.Options | undefined
    const events: Proposed[] = []
    const refused = refusal(call.metadata)
    call.on('data', (request: AppendReq) => {
      options ??= request.getOptions()
      if (request.hasProposedMessage()) events.push(proposed(request.getProposedMessage()!))
    })
    call.on('end', () => {
      // Of a client that calls off an append it writes what it has, of one whose connection is gone nothing. The library tells neither.
      const { stream: connected } = (call as unknown as { call: { stream: ServerHttp2Stream } }).call
      if (connected.aborted) return
      if (refused || !options) return answer(refused ?? { code: status.INVALID_ARGUMENT })
      const stream = nameOf(options.getStreamIdentifier())
      const outcome = store.append(stream, events, expectedOf(options, options.getRevision()))
      if ('refused' in outcome && outcome.refused !== 'wrong-expected-version') return answer(failureOf(outcome, stream))
      answer(null, appendResponse(outcome))
    })
  },

  batchAppend(call) {
    const refused = refusal(call.metadata)
    if (refused) return void call.emit('error', refused)
    const begun = new Map<string, { options: BatchAppendReq.Options; events: Proposed[] }>()
    call.on('data', (request: BatchAppendReq) => {
      const correlation = request.getCorrelationId()!
      const batch = begun.get(correlation.getString()) ?? { options: request.getOptions()!, events: [] }
      begun.set(correlation.getString(), batch)
      batch.events.push(...request.getProposedMessagesList().map(proposed))
      if (!request.getIsFinal()) return
      begun.delete(correlation.getString())
      const stream = nameOf(batch.options.getStreamIdentifier())
      const outcome = store.append(stream, batch.events, expectedOf(batch.options, batch.options.getStreamPosition()))
      call.write(batchResponse(outcome, correlation, stream))
    })
    call.on('end', () => call.end())
  },

  delete: remove('delete', position =>
    new wire.DeleteResp().setPosition(new wire.DeleteResp.Position().setCommitPosition(position).setPreparePosition(position))),
  tombstone: remove('tombstone', position =>
    new wire.TombstoneResp().setPosition(new wire.TombstoneResp.Position().setCommitPosition(position).setPreparePosition(position))),
}

const serverFeatures: IServerFeaturesServer = {
  getSupportedMethods(_, answer) {
    const methods = Object.values(streamServices.StreamsService).map(({ path }) => {
      const [, service, method] = (path as string).toLowerCase().split('/')
      return new features.SupportedMethod().setServiceName(service!).setMethodName(method!)
    })
    answer(null, new features.SupportedMethods().setEventStoreServerVersion('23.10.0').setMethodsList(methods))
  },
}

/** Of the whole cluster the leader alone, if there is one. */
const members: IGossipServer = {
  read(_, answer) {
    const [host, port] = (leader ?? `127.0.0.1:${listening}`).split(':')
    const member = new gossip.MemberInfo().setIsAlive(true).setState(gossip.MemberInfo.VNodeState.LEADER)
      .setHttpEndPoint(new gossip.EndPoint().setAddress(host!).setPort(Number(port)))
    answer(null, new gossip.ClusterInfo().setMembersList(told.has('resign') ? [] : [member]))
  },
}

// The node takes larger messages than appends, so that there are two ways to be too large.
const server = new Server({ 'grpc.max_receive_message_length': 16 * 1024 * 1024 })
server.addService(streamServices.StreamsService as never, streams)
server.addService(featureServices.ServerFeaturesService as never, serverFeatures)
server.addService(gossipServices.GossipService as never, members)
const listening = await new Promise<number>((resolve, reject) =>
  server.bindAsync(`127.0.0.1:${wantedPort}`, ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port))))
console.log(listening)
