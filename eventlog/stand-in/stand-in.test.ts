/** What a real node does, seen through the client. With EVENTSTOREDB_URL set, the same lines are held against that node. */
import { ANY, BACKWARDS, END, EventStoreDBClient, jsonEvent, MaxAppendSizeExceededError, NO_STREAM, StreamDeletedError, StreamNotFoundError,
  streamNameFilter, UnavailableError, UnknownError, WrongExpectedVersionError, type AppendToStreamOptions } from '@eventstore/db-client'
import shared from '@eventstore/db-client/generated/shared_pb.js'
import streamServices from '@eventstore/db-client/generated/streams_grpc_pb.js'
import wire, { type AppendReq } from '@eventstore/db-client/generated/streams_pb.js'
import { credentials, type ClientWritableStream } from '@grpc/grpc-js'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { startStandIn } from './start.ts'

const realNode = process.env['EVENTSTOREDB_URL']
const standIn = await startStandIn()
afterAll(() => standIn.stop())

const connect = (options = '', url = realNode ?? standIn.url) => {
  const client = EventStoreDBClient.connectionString(`${url}${options}`)
  onTestFinished(() => client.dispose())
  return client
}
const newStream = (category = 's') => `${category}-${randomUUID()}`
const newEvents = (count: number, data: object = {}) =>
  Array.from({ length: count }, () => jsonEvent({ type: 'Happened', data: { ...data }, metadata: { $correlationId: 'c' } }))
const collect = async <T>(items: AsyncIterable<T>) => {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}
const headOf = async (client: EventStoreDBClient) =>
  (await collect(client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1 })))[0]!.event!.position

// Credentials of its own give an append a call of its own; without TLS they are not sent.
const ways: [string, AppendToStreamOptions][] = [
  ['through the shared stream', {}],
  ['in a call of its own', { credentials: { username: 'admin', password: 'changeit' } }],
]

describe.each(ways)('an append %s', (_, way) => {
  test('of the same event ids again gives the old revision and position, also when others came after', async () => {
    const [client, stream, first, second] = [connect(), newStream(), newEvents(2), newEvents(3)]
    const one = await client.appendToStream(stream, first, { ...way, expectedRevision: NO_STREAM })
    const two = await client.appendToStream(stream, second, { ...way, expectedRevision: 1n })
    await client.appendToStream(stream, newEvents(1), { ...way, expectedRevision: 4n })
    expect(one).toMatchObject({ success: true, nextExpectedRevision: 1n, position: { commit: expect.any(BigInt) } })
    expect(await client.appendToStream(stream, first, { ...way, expectedRevision: NO_STREAM })).toEqual(one)
    expect(await client.appendToStream(stream, first, { ...way, expectedRevision: ANY })).toEqual(one)
    expect(await client.appendToStream(stream, second, { ...way, expectedRevision: 1n })).toEqual(two)
    expect(await client.appendToStream(stream, second, { ...way, expectedRevision: ANY })).toEqual(two)
    expect(await collect(client.readStream(stream))).toHaveLength(6)
  })

  test('of the same ids with a later expectation, or of some old and some new, expects the wrong version', async () => {
    const [client, stream, first, second] = [connect(), newStream(), newEvents(2), newEvents(2)]
    await client.appendToStream(stream, first, { ...way, expectedRevision: NO_STREAM })
    await client.appendToStream(stream, second, { ...way, expectedRevision: 1n })
    const tries = [
      [first, 0n], [first, 1n], [second, 2n], [second, NO_STREAM], [[first[1]!, ...newEvents(1)], 0n], [[...newEvents(1), first[1]!], NO_STREAM],
      [[second[1]!, ...newEvents(1)], 2n], [newEvents(1), 9n], [newEvents(1), NO_STREAM],
    ] as const
    for (const [events, expectedRevision] of tries) {
      const error = await client.appendToStream(stream, [...events], { ...way, expectedRevision }).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(WrongExpectedVersionError)
      expect(error).toMatchObject({ actualVersion: 3n })
    }
    await expect(client.appendToStream(newStream(), newEvents(1), { ...way, expectedRevision: 0n })).rejects.toThrow(WrongExpectedVersionError)
  })

  test('of the same ids that expects the very last revision writes them a second time', async () => {
    const [client, stream, events] = [connect(), newStream(), newEvents(2)]
    await client.appendToStream(stream, events, { ...way, expectedRevision: NO_STREAM })
    expect(await client.appendToStream(stream, events, { ...way, expectedRevision: 1n })).toMatchObject({ nextExpectedRevision: 3n })
  })

  test('of nothing "succeeds" with a revision and a position, and nothing is there', async () => {
    const [client, stream] = [connect(), newStream()]
    expect(await client.appendToStream(stream, [], { ...way, expectedRevision: NO_STREAM }))
      .toMatchObject({ success: true, nextExpectedRevision: 0n, position: { commit: expect.any(BigInt) } })
    await expect(collect(client.readStream(stream))).rejects.toThrow(StreamNotFoundError)
  })

  test('may have 1,048,576 bytes of data, whatever its metadata; far above, the error has no type', async () => {
    const [client, stream] = [connect(), newStream()]
    const sized = (bytes: number) => jsonEvent({ type: 'Happened', data: 'x'.repeat(bytes - 2), metadata: { m: 'x'.repeat(1_000) } })
    await client.appendToStream(stream, [sized(500_000), sized(548_576)], { ...way, expectedRevision: NO_STREAM })
    await expect(client.appendToStream(stream, [sized(500_000), sized(548_577)], way)).rejects.toThrow(MaxAppendSizeExceededError)
    const error = await client.appendToStream(stream, sized(20_000_000), way).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(UnknownError)
    expect(error).toMatchObject({ code: 8, message: expect.stringContaining('RESOURCE_EXHAUSTED') })
    expect(await collect(client.readStream(stream))).toHaveLength(2)
  })

  test('throws when it fails, unless the connection string says otherwise; the option of a call is ignored', async () => {
    const [client, stream] = [connect(), newStream()]
    const options = { ...way, expectedRevision: 5n, throwOnAppendFailure: false }
    await expect(client.appendToStream(stream, newEvents(1), options)).rejects.toThrow(WrongExpectedVersionError)
    expect(await connect('&throwOnAppendFailure=false').appendToStream(stream, newEvents(1), options)).toMatchObject({ success: false })
  })

  test('after a delete goes on where the stream ended; after a tombstone it fails for ever', async () => {
    const [client, deleted, buried] = [connect(), newStream(), newStream()]
    for (const stream of [deleted, buried]) await client.appendToStream(stream, newEvents(3), way)
    await client.deleteStream(deleted)
    await client.tombstoneStream(buried)
    expect(await client.appendToStream(deleted, newEvents(2), { ...way, expectedRevision: NO_STREAM })).toMatchObject({ nextExpectedRevision: 4n })
    expect((await collect(client.readStream(deleted))).map(({ event }) => event!.revision)).toEqual([3n, 4n])
    for (const expectedRevision of [NO_STREAM, 2n, ANY] as const) {
      await expect(client.appendToStream(buried, newEvents(1), { ...way, expectedRevision })).rejects.toThrow(StreamDeletedError)
    }
  })
})

describe('a delete', () => {
  test('is soft: reads find no stream, and it may be repeated', async () => {
    const [client, stream] = [connect(), newStream()]
    await client.appendToStream(stream, newEvents(3))
    await client.deleteStream(stream)
    await expect(collect(client.readStream(stream))).rejects.toThrow(StreamNotFoundError)
    await client.deleteStream(stream)
  })

  test('of a stream that does not exist expects the wrong version', async () => {
    await expect(connect().deleteStream(newStream())).rejects.toThrow(WrongExpectedVersionError)
  })
})

describe('a tombstone', () => {
  test('ends reads and further tombstones with StreamDeletedError, also for a stream that never was', async () => {
    const client = connect()
    for (const count of [2, 0]) {
      const stream = newStream()
      if (count > 0) await client.appendToStream(stream, newEvents(count))
      expect(await client.tombstoneStream(stream)).toMatchObject({ position: { commit: expect.any(BigInt) } })
      await expect(collect(client.readStream(stream))).rejects.toThrow(StreamDeletedError)
      await expect(client.tombstoneStream(stream)).rejects.toThrow(StreamDeletedError)
    }
  })

  test('leaves the events in $all until the node scavenges, and a mark of its own after them', async () => {
    const [client, stream] = [connect(), newStream()]
    const fromPosition = await headOf(client)
    await client.appendToStream(stream, newEvents(2))
    await client.tombstoneStream(stream)
    const events = (await collect(client.readAll({ fromPosition }))).flatMap(({ event }) => (event?.streamId === stream ? [event] : []))
    expect(events.map(({ type, revision }) => [type, revision])).toEqual([['Happened', 0n], ['Happened', 1n], ['$streamDeleted', 2n ** 63n - 1n]])
  })
})

describe('a read', () => {
  test('of a missing stream throws at the first iteration, not at the call', async () => {
    const reading = connect().readStream(newStream())
    await expect(reading[Symbol.asyncIterator]().next()).rejects.toThrow(StreamNotFoundError)
  })

  test('goes forwards from a revision and backwards from the end', async () => {
    const [client, stream] = [connect(), newStream()]
    await client.appendToStream(stream, newEvents(5))
    const revisions = async (options: Parameters<typeof client.readStream>[1]) =>
      (await collect(client.readStream(stream, options))).map(({ event }) => event!.revision)
    expect(await revisions({ fromRevision: 3n })).toEqual([3n, 4n])
    expect(await revisions({ fromRevision: 9n })).toEqual([])
    expect(await revisions({ fromRevision: END, direction: BACKWARDS, maxCount: 2 })).toEqual([4n, 3n])
  })

  test('gives the same position in the stream, in $all and in a subscription, that of the answer to the append, and the node\'s time', async () => {
    const [client, category] = [connect(), `c${randomUUID()}`]
    const fromPosition = await headOf(client)
    const stream = newStream(category)
    const { position } = await client.appendToStream(stream, newEvents(2))
    const [first, last] = (await collect(client.readStream(stream))).map(({ event }) => event!)
    expect(last!.position).toEqual(position)
    expect(last!.position!.commit).toBeGreaterThan(first!.position!.commit)
    expect(Math.abs(last!.created.getTime() - Date.now())).toBeLessThan(60_000)
    const inAll = await collect(client.readAll({ fromPosition: first!.position! }))
    expect(inAll.filter(({ event }) => event?.streamId === stream).map(({ event }) => event!.position)).toEqual([first!.position, last!.position])
    const subscription = client.subscribeToAll({ fromPosition, filter: streamNameFilter({ prefixes: [category] }) }).on('error', () => {})
    const heard = []
    for await (const { event } of subscription) if (heard.push(event!.position) === 2) break
    expect(heard).toEqual([first!.position, last!.position])
    await subscription.unsubscribe()
  })
})

describe('a filtered subscription', () => {
  test('gives its confirmation, then the events after a position, then "caughtUp", then what comes', async () => {
    const [client, category] = [connect(), `c${randomUUID()}`]
    const append = () => client.appendToStream(newStream(category), newEvents(1))
    const { position } = await append()
    await append()
    const subscription = client.subscribeToAll({ fromPosition: position!, filter: streamNameFilter({ prefixes: [`${category}-`] }) })
    const heard: string[] = []
    subscription.on('error', () => {}).on('confirmation', () => heard.push('confirmation'))
    subscription.on('caughtUp', () => void (heard.push('caughtUp'), append()))
    for await (const { event } of subscription) if (heard.push(event!.type) === 4) break
    expect(heard).toEqual(['confirmation', 'Happened', 'caughtUp', 'Happened'])
    await subscription.unsubscribe()
  })

  test('reaches a checkpoint after each 32 events that it looks at, and none between them', async () => {
    const [client, category] = [connect(), `c${randomUUID()}`]
    const fromPosition = await headOf(client)
    await client.appendToStream(newStream(), newEvents(40))
    const matching = (await client.appendToStream(newStream(category), newEvents(1))).position!.commit
    await client.appendToStream(newStream(), newEvents(40))
    const end = (await client.appendToStream(newStream(category), newEvents(1))).position!.commit
    const heard: bigint[] = []
    const checkpointReached = (_: unknown, { commit }: { commit: bigint }) => void heard.push(commit)
    const filter = streamNameFilter({ prefixes: [`${category}-`], checkpointInterval: 1, checkpointReached })
    const subscription = client.subscribeToAll({ fromPosition, filter }).on('error', () => {})
    for await (const { event } of subscription) if (heard.push(event!.position.commit) && event!.position.commit === end) break
    expect(heard).toEqual(heard.toSorted((a, b) => Number(a - b)))
    // On a node that others write to meanwhile, it looks at more.
    if (realNode === undefined) expect([heard.length, heard[1], heard[3]]).toEqual([4, matching, end])
    else expect(heard).toEqual(expect.arrayContaining([matching, end]))
    await subscription.unsubscribe()
  })
})

/** What cannot be done to a node that others use too. Short pings: the client warns of them. */
describe.skipIf(realNode !== undefined)('a node', () => {
  const pinging = (interval = 300, timeout = 200) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    onTestFinished(() => warn.mockRestore())
    return connect(`&keepAliveInterval=${interval}&keepAliveTimeout=${timeout}`, standIn.url)
  }
  const listen = (client: EventStoreDBClient) => {
    const errors: Error[] = []
    const subscription = client.subscribeToAll({ fromPosition: END }).on('error', error => errors.push(error))
    const ended = collect(subscription).then(() => undefined, (error: unknown) => error)
    return { errors, ended, confirmed: once(subscription, 'confirmation') }
  }

  test('that is killed ends running appends with UnavailableError, the next with a plain "14 UNAVAILABLE"; the client recovers', async () => {
    const client = connect()
    await client.appendToStream(newStream(), newEvents(1))
    await standIn.freeze()
    const running = Array.from({ length: 20 }, () => client.appendToStream(newStream(), newEvents(1)).catch((error: unknown) => error))
    await sleep(50)
    await standIn.kill()
    for (const error of await Promise.all(running)) expect(error).toBeInstanceOf(UnavailableError)
    const next = await client.appendToStream(newStream(), newEvents(1)).catch((error: unknown) => error)
    expect(next).toMatchObject({ message: expect.stringContaining('14 UNAVAILABLE') })
    expect(next).not.toHaveProperty('type')
    await standIn.revive()
    await vi.waitFor(() => client.appendToStream(newStream(), newEvents(1)), 10_000)
  })

  test('that is killed may have written what it did not answer: the same ids again give what was written', async () => {
    const [client, stream, events] = [connect(), newStream(), newEvents(2)]
    await client.appendToStream(newStream(), newEvents(1))
    await standIn.loseNextAnswer()
    await expect(client.appendToStream(stream, events, { expectedRevision: NO_STREAM })).rejects.toThrow(UnavailableError)
    await standIn.revive()
    const append = () => client.appendToStream(stream, events, { expectedRevision: NO_STREAM })
    expect(await vi.waitFor(append, 10_000)).toMatchObject({ nextExpectedRevision: 1n })
    expect(await collect(client.readStream(stream))).toHaveLength(2)
  })

  test('that is killed ends a subscription, which does not come back and emits one more error', async () => {
    const { errors, ended, confirmed } = listen(connect())
    await confirmed
    await standIn.kill()
    expect(await ended).toBeInstanceOf(UnavailableError)
    await standIn.revive()
    await vi.waitFor(() => expect(errors.map(({ name }) => name)).toEqual(['Error', 'AbortError']))
  })

  test('that hangs answers nothing, whatever the deadline, until pings are lost; then appends, reads and subscriptions fail', async () => {
    const [client, stream] = [pinging(), newStream()]
    await client.appendToStream(stream, newEvents(1))
    const { ended, confirmed } = listen(client)
    await confirmed
    await standIn.freeze()
    onTestFinished(() => standIn.thaw())
    const settled: string[] = []
    const settle = (name: string, call: Promise<unknown>) => call.then(() => 'answered', (error: unknown) => error).finally(() => settled.push(name))
    const calls = [
      settle('append', client.appendToStream(newStream(), newEvents(1), { deadline: 20 })),
      settle('read', collect(client.readStream(stream, { deadline: 20 }))),
      settle('subscription', ended.then(error => Promise.reject(error as Error))),
    ]
    await sleep(100)
    expect(settled).toEqual([])
    for (const error of await Promise.all(calls)) expect(error).toBeInstanceOf(UnavailableError)
  })

  test('that hangs ends an append in a call of its own at the deadline', async () => {
    const client = connect()
    const own = { credentials: { username: 'admin', password: 'changeit' }, deadline: 50 }
    await client.appendToStream(newStream(), newEvents(1))
    await standIn.freeze()
    onTestFinished(() => standIn.thaw())
    await expect(client.appendToStream(newStream(), newEvents(1), own)).rejects.toMatchObject({ type: 'deadline-exceeded' })
  })
})

/** The options and one of the events have gone out, and then the client is no more. */
const ends: [string, number, (parts: { call: ClientWritableStream<AppendReq>; connection: Socket }) => void][] = [
  ['calls it off', 1, ({ call }) => call.cancel()],
  ['loses its connection', 0, ({ connection }) => connection.destroy()],
]
test.each(ends)('of an append whose client %s before it has sent the second event, the node writes %i', async (_, written, end) => {
  const [client, stream, node] = [connect(), newStream(), new URL((realNode ?? standIn.url).replace('esdb:', 'http:'))]
  const between = createServer(socket => void socket.pipe(createConnection(Number(node.port), node.hostname)).on('error', () => {}).pipe(socket).on('error', () => {}))
  await once(between.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void between.close())
  const connected = once(between, 'connection') as Promise<[Socket]>
  const direct = new streamServices.StreamsClient(`127.0.0.1:${(between.address() as AddressInfo).port}`, credentials.createInsecure())
  onTestFinished(() => direct.close())

  const call = direct.append(() => {})
  call.on('error', () => {})
  const options = new wire.AppendReq.Options().setStreamIdentifier(new shared.StreamIdentifier().setStreamName(Buffer.from(stream))).setNoStream(new shared.Empty())
  call.write(new wire.AppendReq().setOptions(options))
  const event = new wire.AppendReq.ProposedMessage().setId(new shared.UUID().setString(randomUUID())).setData(Buffer.from('{}'))
  event.getMetadataMap().set('type', 'Happened').set('content-type', 'application/json')
  await new Promise(sent => call.write(new wire.AppendReq().setProposedMessage(event), sent))
  const [connection] = await connected
  await sleep(100)
  end({ call, connection })
  await sleep(100)
  expect(await collect(client.readStream(stream)).catch((error: Error) => error)).toEqual(written ? [expect.anything()] : expect.any(StreamNotFoundError))
})

test('a stream that is truncated by its metadata begins there, and is appended to as before', async () => {
  const [client, stream, more] = [connect(), newStream(), newEvents(1)]
  await client.appendToStream(stream, newEvents(3), { expectedRevision: NO_STREAM })
  const revisions = async () => (await collect(client.readStream(stream))).map(({ event }) => event!.revision)
  for (const _ of [1, 2]) await client.setStreamMetadata(stream, { truncateBefore: 2 })
  expect(await revisions()).toEqual([2n])
  for (const _ of [1, 2]) expect(await client.appendToStream(stream, more, { expectedRevision: 2n })).toMatchObject({ nextExpectedRevision: 3n })
  await expect(client.appendToStream(stream, newEvents(1), { expectedRevision: NO_STREAM })).rejects.toThrow(WrongExpectedVersionError)
  expect(await revisions()).toEqual([2n, 3n])
  await client.tombstoneStream(stream)
  await client.setStreamMetadata(stream, { truncateBefore: 3 })
  await expect(revisions()).rejects.toThrow(StreamDeletedError)
})
