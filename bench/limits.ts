/** What this machine can do at most, measured beside the engine: no login can be faster than the parts that it cannot do without. */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { verify } from '@node-rs/argon2'
import { verifyRegistrationResponse } from '@simplewebauthn/server'
import { creationOptions } from '../factors/passkey.ts'
import { createAuthenticator } from '../stories/authenticator.ts'
import { hash, password } from './options.ts'
import { startWorker } from './process.ts'

/** Per second, in each of the windows. */
type Rates = number[]
export type Limits = { argon2: Rates; argon2Cpu: number[]; fsynced: Rates; grouped: Rates; registrations: Rates; posts: Rates; postCpu: number[] }

const rowsInGroup = 64

/** `work` is done so often at once; it says how much it did. */
async function rate(seconds: number, atOnce: number, work: () => Promise<number> | number): Promise<number> {
  const begun = performance.now()
  let done = 0
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (performance.now() - begun < seconds * 1000) {
      // Not `done += await`: that would forget what the others did meanwhile.
      const some = await work()
      done += some
    }
  }))
  return done / ((performance.now() - begun) / 1000)
}

async function inWindows(windows: number, window: () => Promise<number>): Promise<Rates> {
  const rates: Rates = []
  for (let n = 0; n < windows; n += 1) rates.push(await window())
  return rates
}

export async function measureLimits({ windows, seconds }: { windows: number; seconds: number }): Promise<Limits> {
  const cores = availableParallelism()
  const argon2Cpu: number[] = []
  const argon2 = await inWindows(windows, async () => {
    const before = process.cpuUsage()
    const perSecond = await rate(seconds, cores, async () => Number(await verify(hash, password)))
    const { user, system } = process.cpuUsage(before)
    argon2Cpu.push((user + system) / 1000 / (perSecond * seconds))
    return perSecond
  })

  const { fsynced, grouped } = await measureDisk(windows, seconds)

  const rp = { rpId: 'localhost', rpName: 'Bench', origins: ['https://localhost'] }
  const challenge = randomBytes(32).toString('base64url')
  const options = creationOptions({ rp, user: { account: randomUUID(), name: 'ada', displayName: 'ada' }, challenge, excludes: [], mode: 'manual' })
  const response = await createAuthenticator().create(options as Parameters<ReturnType<typeof createAuthenticator>['create']>[0], { origin: 'https://localhost' })
  const registrations = await inWindows(windows, () =>
    rate(seconds, 1, async () => Number((await verifyRegistrationResponse({ response, expectedChallenge: challenge, expectedOrigin: 'https://localhost', expectedRPID: 'localhost' })).verified)))

  const { posts, postCpu } = await measurePosts(windows, seconds)
  return { argon2, argon2Cpu, fsynced, grouped, registrations, posts, postCpu }
}

/** Rows of the size of an event, with the safety of the log's: one fsync each, and one for 64. */
async function measureDisk(windows: number, seconds: number): Promise<Pick<Limits, 'fsynced' | 'grouped'>> {
  const folder = mkdtempSync(join(tmpdir(), 'keyledger-limits-'))
  const db = new DatabaseSync(join(folder, 'rows.db'))
  db.exec('pragma journal_mode = wal; pragma synchronous = full; create table rows (n integer primary key, content text not null) strict')
  const insert = db.prepare('insert into rows (content) values (?)')
  const content = 'x'.repeat(700)
  const write = (rows: number) => () => {
    db.exec('begin')
    for (let n = 0; n < rows; n += 1) insert.run(content)
    db.exec('commit')
    return rows
  }
  const fsynced = await inWindows(windows, () => rate(seconds, 1, write(1)))
  const grouped = await inWindows(windows, () => rate(seconds, 1, write(rowsInGroup)))
  db.close()
  rmSync(folder, { recursive: true })
  return { fsynced, grouped }
}

async function measurePosts(windows: number, seconds: number): Promise<Pick<Limits, 'posts' | 'postCpu'>> {
  const server = startWorker('empty-process.ts')
  const url = await server.call<string>('start')
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const headers = { 'content-type': 'application/json', 'content-length': 2 }
  const post = () =>
    new Promise<number>((resolve, reject) => {
      request(url, { agent, method: 'POST', headers }, (response) => response.resume().on('end', () => resolve(1))).on('error', reject).end('{}')
    })
  const postCpu: number[] = []
  await rate(seconds, 32, post)
  const posts = await inWindows(windows, async () => {
    const before = await server.usage()
    const perSecond = await rate(seconds, 32, post)
    postCpu.push(((await server.usage()).cpu - before.cpu) / (perSecond * seconds))
    return perSecond
  })
  agent.destroy()
  await server.stop()
  return { posts, postCpu }
}
