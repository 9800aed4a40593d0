import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Policy } from '../domain/policy.ts'
import { openTestFile } from '../eventlog/testing.ts'
import { createStreams } from '../eventlog/transact.ts'
import { createPolicies, policyStream } from './policies.ts'

let file: ReturnType<typeof openTestFile>
beforeEach(() => {
  file = openTestFile()
})
afterEach(() => file.remove())

/** An engine of several on one log. */
const openEngine = () => createPolicies({ streams: createStreams({ log: file.open(), now: () => new Date(), newId: randomUUID }), newId: randomUUID })
const written = async (): Promise<unknown[]> => {
  const versions: unknown[] = []
  for await (const { data } of file.open().read(policyStream)) versions.push(data['version'])
  return versions
}
const [one, other] = [Policy.parse({ version: 'one' }), Policy.parse({ version: 'other', append: { enabled: false } })]
const stated = { stated: true }

describe('Several engines on one log', () => {
  test('write the policy that they all bring once', async () => {
    const engines = Array.from({ length: 6 }, openEngine)
    const adoptions = await Promise.all(engines.map((engine) => engine.adopt(one, stated)))
    expect(adoptions.map(({ outcome }) => outcome).toSorted()).toEqual(['adopted', ...Array.from({ length: 5 }, () => 'unchanged')])
    expect(await written()).toEqual(['one'])
  })

  test('with two files write each once, and do not answer each other', async () => {
    const [here, there] = [openEngine(), openEngine()]
    expect([(await here.adopt(one, stated)).policy, (await there.adopt(other, stated)).policy]).toEqual([one, other])
    expect(await written()).toEqual(['one', 'other'])
    expect((await here.current())?.policy).toEqual(other)
  })
})

test('A policy is in the log before anybody decides by it; while the log is away the one before stays', async () => {
  const log = file.open()
  const engine = createPolicies({ streams: createStreams({ log, now: () => new Date(), newId: randomUUID }), newId: randomUUID })
  expect(await engine.current()).toBeNull()
  await engine.adopt(one, stated)
  await log.close()
  await expect(engine.adopt(other, stated)).rejects.toThrow()
  expect(await written()).toEqual(['one'])
})
