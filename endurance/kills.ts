/** Kills at random moments, under load. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { uuidOf } from '../vault/sealing.ts'
import { createDice } from './dice.ts'
import { assertNothingDoubled, eventsOf } from './evidence.ts'
import { createLoad, type LoadTotals } from './load.ts'
import type { Mail } from './mailbox.ts'
import type { Node } from './node.ts'
import { openPlace } from './place.ts'
import { assertProjected, endOf } from './rows.ts'

export type Campaign = { kills: number; nodeKills?: number; apps: number; seed: number; node?: Node | undefined }

/** After the engine listens, or the node is there again, in milliseconds. */
const longestLife = 600

/** @returns what was seen; rejects at the first counter-example */
export async function endure({ kills, nodeKills = 0, apps, seed, node }: Campaign): Promise<LoadTotals & { kills: number; nodeKills: number; codesSentAgain: number; events: number }> {
  const dice = createDice(seed)
  const wrong: Error[] = []
  const place = await openPlace({ node, again: (mail, before) => sentAgain(mail, before).catch((error: Error) => void wrong.push(error)) })
  const engine = await place.engine()
  const load = createLoad({ place, engine, dice })
  let codesSentAgain = 0

  /** Before the second one is taken: nobody knew then that the first was. */
  async function sentAgain(mail: Mail, before: Mail): Promise<void> {
    if (mail.code !== undefined) codesSentAgain += 1
    assert.equal(mail.code, before.code, `${mail.id} has another code the second time`)
    const streams = load.streamsOf.get(mail.to)?.() ?? []
    for (const stream of streams) {
      for (const { type, data, metadata } of await eventsOf(place.log, stream)) {
        if (type !== 'OtpSent' && type !== 'OtpDeliveryFailed' && type !== 'NoticeSent') continue
        const id = type === 'NoticeSent' ? metadata.$causationId : idOfCode(stream.slice('session-'.length), Number(data['issue']))
        assert.notEqual(id, mail.id, `${mail.id} was sent again, although ${stream} has ${type} for it`)
      }
    }
  }

  try {
    const start = await endOf(place.log)
    await engine.start()
    const living = load.run(apps)
    living.catch(() => {})
    for (let [engines, nodes] = [kills, nodeKills]; engines + nodes > 0 && !load.stopped.aborted; ) {
      const answered = load.totals.answers
      // Mostly after it did something: on a slow machine it would otherwise never come to more than a start.
      const early = dice(0.2)
      while (!early && load.totals.answers === answered && !load.stopped.aborted) await sleep(10)
      await sleep(dice.below(longestLife), undefined, { signal: load.stopped }).catch(() => {})
      if (node && dice.below(engines + nodes) < nodes) {
        nodes -= 1
        await node.kill()
        await node.revive()
        continue
      }
      engines -= 1
      await engine.kill()
      // Now and then again while it starts.
      if (engines > 0 && dice(0.1)) {
        engines -= 1
        const starting = engine.start()
        await sleep(dice.below(longestLife))
        await engine.kill()
        await starting
      }
      await engine.start()
    }
    load.leave()
    await living
    await assertProjected(place)
    if (wrong[0]) throw wrong[0]
    const counts = await assertNothingDoubled(place.log, start)
    const complaints = engine.complaints.filter((line) => !expected(line))
    assert.deepEqual(complaints, [], 'the engine complained')
    return { ...load.totals, kills, nodeKills, codesSentAgain, events: counts.get('events') ?? 0 }
  } catch (error) {
    throw Object.assign(error as Error, { message: `seed ${seed}: ${(error as Error).message}` })
  } finally {
    await place.close()
  }
}

const idOfCode = (session: string, issue: number): string => uuidOf(`otp ${session} ${issue}`)

/** What a program says that lost its database or its log in the middle of something is no fault. */
const expected = (line: string): boolean => /CONNECTION_|ECONN|log_unavailable|log_outcome_unknown|out of reach|"status":503/.test(line)
