/** An embedded log of the real engine, with logins in it, and its ledger. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isLeaf, keep } from '../audit/testing.ts'
import { readConfig, type Config } from '../config.ts'
import type { NewEvent, Recorded } from '../eventlog/event-log.ts'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { openEngine } from '../open-engine.ts'

export const configOf = (data: string, more: Record<string, string> = {}): Config => readConfig({ KEYLEDGER_DATA: data, ...more })
export const fileIn = (data: string): string => join(data, 'events.sqlite')

const stored = (path: string): NewEvent => JSON.parse(readFileSync(join(import.meta.dirname, '../domain', path), 'utf8')) as NewEvent
const login = ['PasswordVerified', 'AppendSkipped', 'OtpVerified', 'PinSet', 'SessionCompleted'].map((type) => stored(`session/stored/${type}.json`))

/** Logins side by side: the first events of all of them, then their second ones. Each of `bytes` or so more than they have. */
export async function appendLogins(file: string, count: number, bytes = 0): Promise<void> {
  const log = openSqliteLog({ file })
  const sessions = Array.from({ length: count }, () => `session-${randomUUID()}`)
  for (const [nth, event] of login.entries()) {
    await Promise.all(
      sessions.map((stream) => {
        const metadata = { ...event.metadata, at: new Date(Date.parse('2026-03-02T08:00:00.000Z') + nth * 1_000).toISOString(), $causationId: `${randomUUID()}${'x'.repeat(bytes)}` }
        return log.append(stream, [{ ...event, id: randomUUID(), metadata }], nth === 0 ? 'none' : nth - 1)
      }),
    )
  }
  await log.close()
}

export async function readEvents(file: string): Promise<Recorded[]> {
  const log = openSqliteLog({ file, readOnly: true })
  const events: Recorded[] = []
  for await (const event of log.readAll({})) events.push(event)
  await log.close()
  return events
}

/** People, whose values are sealed. @returns their ids */
export async function addPeople(data: string, ...names: string[]): Promise<string[]> {
  const { engine, close } = await openEngine(configOf(data), {}, { history: async () => 'unavailable' })
  const ids: string[] = []
  for (const name of names) {
    const registered = await engine.accounts.register({ source: 'added', identifiers: [`${name}@example.com`] }, 'cli:test')
    if (registered.outcome === 'registered') ids.push(registered.account)
  }
  await close()
  return ids
}

/** Signs what is there. @returns the note */
export async function sign(data: string): Promise<string> {
  const { engine, log, close } = await openEngine(configOf(data), {}, { history: async () => 'unavailable' })
  const events: Recorded[] = []
  for await (const event of log.readAll({})) events.push(event)
  const { nodes, leaves } = keep(events.filter(isLeaf))
  const signed = await engine.ledger.checkpoint({ nodes, size: async () => leaves.length })
  await close()
  return signed?.note ?? ''
}
