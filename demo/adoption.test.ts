import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { startPostgres } from '../projections/testing-postgres.ts'
import { startAdoptionDemo } from './adoption.ts'

test('The demo writes the logins that were wanted into an engine that takes them for its own, and leaves nothing behind', async () => {
  const postgres = await startPostgres()
  const printed: string[] = []
  const demo = await startAdoptionDemo({ logins: 60, seed: 3, until: new Date('2026-11-29T00:00:00.000Z'), port: 0, databaseUrl: await postgres.createDatabase(), print: (line) => printed.push(line) })
  const { keyledger, written, folder } = demo
  try {
    expect(await (await fetch(`${demo.url}/health/ready`)).json()).toMatchObject({ ready: true })
    expect(keyledger.readModel.status().map(({ lag, parked }) => ({ lag, parked }))).toEqual(keyledger.readModel.status().map(() => ({ lag: 0, parked: 0 })))
    expect(printed.join('\n')).toContain(`${written.logins} logins`)

    // No login is left to be ended, no notice to be sent, and the policy is the one that the log ends with: the engine has keys of its own, and nothing to say.
    await Promise.all([keyledger.sweeper.sweep(), keyledger.notices.round()])
    const after: string[] = []
    let events = 0
    for await (const { stream, type } of keyledger.log.readAll({})) if (++events > written.events) after.push(`${type} in ${stream.slice(0, stream.indexOf('-'))}`)
    expect(after.filter((one) => !one.endsWith(' in key'))).toEqual([])
  } finally {
    await demo.close()
    await postgres.remove()
  }
  expect(existsSync(dirname(folder)) && !existsSync(folder)).toBe(true)
})
