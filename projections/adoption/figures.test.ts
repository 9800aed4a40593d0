import { test } from 'vitest'
import { facts } from '../../domain/session/given.ts'
import { metrics } from './metrics.ts'
import { dimensions } from './question.ts'
import { appendedThen, codeThen, login, registered, sessionIn, useFigures, usedPasskey } from './testing.ts'

const figures = useFigures()
const { verified, offered, started } = facts
const day = (n: number, time = '12:00:00Z'): string => `2026-03-0${n}T${time}`

test('probe', async () => {
  const first = login(1, day(2), {}, verified(), offered(), started(), appendedThen, facts.issued(), codeThen, facts.pinSet(), facts.biometrics(), facts.completed())
  await figures.given(registered(1, day(1)), first, login(1, day(3), { passkeys: 1 }, facts.requested(), usedPasskey(1, `made-by-${sessionIn(first)}`), facts.completed()))

  for (const { name } of metrics) {
    console.log(name, await figures.rows(name), JSON.stringify(await figures.rows(name, 'every=day&timeZone=Europe/Berlin')))
    for (const by of Object.keys(dimensions) as string[]) console.log(by, JSON.stringify(await figures.rows(name, `every=week&by=${by}&${by}=${({ offer: '1', cohort: 'none,2026-03-02' } as Record<string, string>)[by] ?? 'none,ios,1,manual,shop,post_login,fbfc3007-154e-4ecc-8c0b-6e020557d7bd'}&from=2026-03-01&to=2026-04-01T00:00:00Z`)))
    await figures.rows(name, `by=cohort,provider,offer&test=true`)
  }
})
