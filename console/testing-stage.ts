/** A running engine on a real PostgreSQL, with some months of logins in its log, and a browser to look at its console. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { readConfig, type Config } from '../config.ts'
import { facts } from '../domain/session/given.ts'
import type { SessionEvent } from '../domain/session/events.ts'
import { App } from '../engine/apps.ts'
import type { Recorded } from '../eventlog/event-log.ts'
import { startKeyledger, type Keyledger } from '../main.ts'
import { appendedThen, codeThen, login, registered, sessionIn, usedPasskey } from '../projections/adoption/testing.ts'
import { startPostgres } from '../projections/testing-postgres.ts'

/** Before any of its logins would run out of time. */
export const today = new Date('2026-03-02T08:05:00.000Z')
const day = 86_400_000

/** The same numbers each time (mulberry32). */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** People who sign in every few weeks, are offered a passkey, and take it or not; the newest of it some minutes old. */
export function someLogins(people: number, seed = 7): Recorded[][] {
  const roll = dice(seed)
  const pick = <T>(...some: readonly T[]): T => some[Math.floor(roll() * some.length)] as T
  return Array.from({ length: people }, (_, n) => n + 1).flatMap((person) => {
    const platform = roll() < 0.55 ? 'ios' : 'android'
    const where = { platform, app: roll() < 0.8 ? 'shop' : 'club', osVersion: platform === 'ios' ? pick('18.6', '19.0', '19.1') : pick('14', '15', '16'), appVersion: pick('4.1.0', '4.2.0') } as const
    const variant = pick('control', 'short text')
    const logins: Recorded[][] = [[registered(person, new Date(today.getTime() - 140 * day).toISOString())]]
    let passkey: string | undefined
    for (let at = today.getTime() - 130 * day + roll() * 60 * day, visit = 1; at < today.getTime() - 600_000; at += (6 + roll() * 25) * day, visit += 1) {
      const time = new Date(Math.floor(at)).toISOString()
      const done = [facts.completed()]
      if (passkey !== undefined && roll() < 0.8) {
        logins.push(login(person, time, { ...where, passkeys: 1 }, facts.requested(), [4 + roll() * 6, usedPasskey(person, passkey)], ...done))
        continue
      }
      const offer = { ...facts.offered(visit), data: { ...facts.offered(visit).data, variant } } as SessionEvent
      const takes = roll() < (variant === 'control' ? 0.3 : 0.45)
      const refuses = pick([facts.skipped()], [facts.skipped('never')], [facts.started(), facts.cancelled()], [facts.started(), facts.notShown()], [facts.started(), facts.failedThere()], [])
      const after = passkey !== undefined || visit > 3 ? [facts.withheld(passkey === undefined ? 'cool_down' : 'has_passkey_here')] : [offer, ...(takes ? [facts.started(), appendedThen] : refuses)]
      const rest = roll() < 0.5 ? [facts.pinSet(), facts.biometrics()] : [facts.pinSkipped(), facts.biometricsSkipped()]
      const events = login(person, time, { ...where, passkeys: passkey === undefined ? 0 : 1 }, [9 + roll() * 20, facts.verified()], ...after, facts.issued(), codeThen, ...rest, ...done)
      if (after.includes(appendedThen)) passkey = `made-by-${sessionIn(events)}`
      logins.push(events)
    }
    return logins
  })
}

export type Stage = Awaited<ReturnType<typeof openStage>>

export async function openStage(options: Partial<Config> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'keyledger-console-'))
  const postgres = await startPostgres()
  const apps = [['shop', 'Northwind Shop'], ['club', 'Northwind Club']].map(([id, name]) => App.parse({ id, name, rpId: `${id}.example` }))
  const errors: unknown[] = []
  const start = async (): Promise<{ keyledger: Keyledger; config: Config }> => {
    const config: Config = { ...readConfig({ PORT: '0', KEYLEDGER_DATA: folder, KEYLEDGER_CONFIG: '', DATABASE_URL: await postgres.createDatabase() }), apps, adoption: { k: 5, plannedPeople: 40 }, ...options }
    return { config, keyledger: await startKeyledger(config, { now: () => today, print: () => {}, writeLog: () => {}, onError: (_, error) => errors.push(error) }) }
  }
  const { keyledger, config } = await start()
  await keyledger.ready
  const api = async (path: string): Promise<any> => (await fetch(`${keyledger.url}${path}`, { headers: { authorization: `Bearer ${keyledger.consoleKey}` } })).json()

  return {
    keyledger,
    config,
    url: keyledger.url,
    errors,
    postgres,
    api,

    /** Written to the log, and counted. */
    async write(logins: readonly (readonly Recorded[])[]): Promise<void> {
      const streams = Map.groupBy(logins.flat(), ({ stream }) => stream)
      await Promise.all([...streams].map(async ([stream, events]) => {
        const { revision } = (await keyledger.log.last(stream)) ?? { revision: 'none' as const }
        await keyledger.log.append(stream, events.map(({ type, data, metadata }) => ({ id: randomUUID(), type, data, metadata })), revision)
      }))
      const newest = logins.flat().map(({ metadata }) => metadata.at).toSorted().at(-1)
      while ((await api('/v1/adoption')).asOf !== newest) await new Promise((resolve) => setTimeout(resolve, 50))
    },

    /** Somebody who opens the address that `npm start` prints. */
    async signedIn(browser: Browser, context: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
      const page = await (await browser.newContext({ locale: 'en-GB', ...context })).newPage()
      await page.goto(`${keyledger.url}/console#${keyledger.consoleKey}`)
      await page.locator('h1', { hasText: 'Overview' }).waitFor()
      return page
    },

    async close(): Promise<void> {
      await keyledger.close()
      await postgres.remove()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
