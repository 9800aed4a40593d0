import type { ServerWritableStream } from '@grpc/grpc-js'
import wire, { type ReadReq, type ReadResp } from '@eventstore/db-client/generated/streams_pb.js'
import { checkpointMessage, eventMessage, failureOf, filterOf, nameOf, notFoundMessage } from './messages.ts'
import type { Store, Stored } from './store.ts'

type Reading = ServerWritableStream<ReadReq, ReadResp>

/** Resolves when the reader can take more; for one that has gone, never. */
const send = (call: Reading, message: ReadResp) =>
  new Promise<void>(resolve => void (call.write(message) ? resolve() : call.once('drain', resolve)))

export const read = async (store: Store, call: Reading, options: ReadReq.Options) => {
  const [backwards, one, all] = [options.getReadDirection() === wire.ReadReq.Options.ReadDirection.BACKWARDS, options.getStream(), options.getAll()]
  let events: readonly Stored[] = store.all
  if (one) {
    const name = nameOf(one.getStreamIdentifier())
    const found = store.read(name)
    if (found === 'stream-deleted') return call.emit('error', failureOf({ refused: found }, name))
    if (!found) await send(call, notFoundMessage(name))
    events = found ?? []
    if (one.hasRevision()) {
      const from = BigInt(one.getRevision())
      events = events.filter(({ revision }) => (backwards ? revision <= from : revision >= from))
    }
  } else if (all?.hasPosition()) {
    const from = Number(all.getPosition()!.getCommitPosition())
    events = events.filter(({ position }) => (backwards ? position < from : position >= from))
  }
  const wanted = backwards ? events.toReversed() : (one ?? all)!.hasEnd() ? [] : events
  for (const event of wanted.slice(0, Number(options.getCount()))) await send(call, eventMessage(event))
  call.end()
}

/** To $all, until the reader goes. */
export const subscribe = async (store: Store, call: Reading, options: ReadReq.Options) => {
  const [from, filter, matches] = [options.getAll()!, options.getFilter(), filterOf(options)]
  // A checkpoint comes after so many search windows, whatever matched in them.
  const interval = filter ? (filter.hasMax() ? filter.getMax() : 32) * filter.getCheckpointintervalmultiplier() : Infinity
  const after = Number(from.getPosition()?.getCommitPosition() ?? -1)
  let next = from.hasEnd() ? store.all.length : store.all.findLastIndex(event => event.position <= after) + 1
  let wake = () => {}
  const forget = store.onChange(() => wake())
  call.on('cancelled', forget)

  await send(call, new wire.ReadResp().setConfirmation(new wire.ReadResp.SubscriptionConfirmation().setSubscriptionId(crypto.randomUUID())))
  for (let [seen, caughtUp] = [0, false]; !call.cancelled;) {
    while (next < store.all.length && !call.cancelled) {
      const event = store.all[next++]!
      if (matches(event)) await send(call, eventMessage(event))
      if (++seen % interval === 0) await send(call, checkpointMessage(event.position))
    }
    if (!caughtUp) await send(call, new wire.ReadResp().setCaughtUp(new wire.ReadResp.CaughtUp()))
    caughtUp = true
    if (next === store.all.length) await new Promise<void>(resolve => (wake = resolve))
  }
}
