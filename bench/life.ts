/** A log as a year of logins leaves it, from the stored shapes that `domain/` keeps: some logins at a time, of people who come back. For what reads a log. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { JsonObject, Metadata } from '../eventlog/event-log.ts'
import { openSqliteLog } from '../eventlog/sqlite.ts'

type Stored = { type: string; data: JsonObject; metadata: Metadata }
/** `of`: the kind of stream. */
type Step = { of: 'session' | 'account' | 'tokens'; stored: Stored; change?: JsonObject }

const golden = (folder: 'account' | 'session', name: string): Stored => JSON.parse(readFileSync(join(import.meta.dirname, '..', 'domain', folder, 'stored', `${name}.json`), 'utf8')) as Stored
const steps = (of: Step['of'], names: string): Step[] => names.split(' ').map((name) => ({ of, stored: golden(of === 'account' ? 'account' : 'session', name) }))

/** Whole logins, as often as each comes in ten. */
const logins: readonly Step[][] = [
  ...Array.from({ length: 4 }, () => [
    ...steps('session', 'IdentifierEntered~3 PasskeyRequested PasskeyVerified AppendWithheld SessionCompleted'), ...steps('tokens', 'TokensIssued~2'),
  ]),
  ...Array.from({ length: 3 }, () => [
    ...steps('session', 'IdentifierEntered~3 PasswordVerified AppendOffered AppendSkipped OtpIssued OtpSent OtpVerified PinSkipped BiometricSkipped SessionCompleted'), ...steps('tokens', 'TokensIssued~2'),
  ]),
  [
    ...steps('session', 'IdentifierEntered~3 PasswordRejected PasswordVerified AppendOffered AppendStarted'), ...steps('account', 'PasskeyLinked'),
    ...steps('session', 'PasskeyAppended OtpIssued OtpSent OtpRejected OtpVerified'), ...steps('account', 'PasskeyActivated InstallationPinSet'), ...steps('session', 'PinSet'),
    ...steps('account', 'InstallationBiometricToggled'), ...steps('session', 'BiometricToggled SessionCompleted'), ...steps('tokens', 'TokensIssued~2 TokensRefreshed~2'),
  ],
  [
    ...steps('session', 'IdentifierEntered~3 PasskeyRequested PasskeyNotUsed PasswordChosen PasswordVerified AppendOffered AppendStarted AppendCancelled AppendStarted AppendNotShown'),
    ...steps('session', 'OtpIssued OtpSent OtpVerified PinSet BiometricToggled SessionCompleted'), ...steps('tokens', 'TokensIssued~2'),
  ],
  steps('session', 'IdentifierEntered~3 PasswordRejected PasswordVerified AppendOffered SessionExpired'),
]
const registration = steps('account', 'AccountRegistered PasswordSet ContactAdded')

const loginsAtOnce = 50
const loginsPerPerson = 5

/** xorshift32: the same numbers for the same seed, everywhere. */
function createDraw(seed: number): (below: number) => number {
  let state = seed || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** Writes so many events. Past the log, which would take minutes for what is not measured: `file` must not be there yet. */
export async function writeLife(file: string, { events, seed = 6 }: { events: number; seed?: number }): Promise<void> {
  await openSqliteLog({ file }).close()
  const db = new DatabaseSync(file)
  const [addStream, insert] = [db.prepare('insert into streams (name) values (?)'), db.prepare('insert into events (stream, revision, id, type, data, metadata) values (?, ?, ?, ?, ?, ?)')]
  const draw = createDraw(seed)
  const hex = (digits: number): string => Array.from({ length: digits }, () => draw(16).toString(16)).join('')
  const uuid = (): string => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`
  const people: { account: string; passkey: string }[] = []
  const streams = new Map<string, { number: number; next: number }>()
  let time = Date.parse('2025-03-01T00:00:00.000Z')
  let written = 0

  const write = (stream: string, { type, data, metadata }: Stored, change: JsonObject): void => {
    let known = streams.get(stream)
    if (!known) streams.set(stream, (known = { number: Number(addStream.run(stream).lastInsertRowid), next: 0 }))
    const own = Object.fromEntries(Object.entries(change).filter(([field]) => field in data))
    const at = new Date((time += draw(60_000))).toISOString()
    insert.run(known.number, known.next++, uuid(), type, JSON.stringify({ ...data, ...own }), JSON.stringify({ ...metadata, at, $correlationId: stream.slice(stream.indexOf('-') + 1) }))
    written += 1
  }

  db.exec('pragma synchronous = off; begin')
  const running: { session: string; person: (typeof people)[number]; left: Step[] }[] = []
  while (written < events) {
    while (running.length < loginsAtOnce) {
      if (people.length === 0 || draw(loginsPerPerson) === 0) {
        const person = { account: uuid(), passkey: hex(27) }
        people.push(person)
        for (const { stored } of registration) write(`account-${person.account}`, stored, {})
      }
      running.push({ session: uuid(), person: people[draw(people.length)] as (typeof people)[number], left: [...(logins[draw(logins.length)] as Step[])] })
    }
    const at = draw(running.length)
    const { session, person, left } = running[at] as (typeof running)[number]
    const { of, stored } = left.shift() as Step
    write(`${of}-${of === 'account' ? person.account : session}`, stored, { ...person, session, ...(stored.type === 'SessionCompleted' && { passkey: null }) })
    if (left.length > 0) continue
    running.splice(at, 1)
    streams.delete(`session-${session}`)
    streams.delete(`tokens-${session}`)
  }
  db.exec('commit')
  db.close()
}
