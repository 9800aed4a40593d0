/** What the processes of the bench know of each other. */

/** `projecting`: whether the engine's process keeps the rows too, or leaves them to another one. `databaseUrl` undefined: embedded PGlite. */
export type EngineOptions = {
  folder: string
  databaseUrl?: string | undefined
  eventStoreDbUrl?: string | undefined
  hash: 'argon2id' | 'stub'
  projecting: boolean
  withoutLedger?: boolean | undefined
}
/** `codes`: the key that codes are derived from, base64, so that the load generator need not read anybody's mail. */
export type Started = { url: string; codes: string }

/** `rate`: logins begun per second at most; undefined: as many as the engine takes. */
export type Play = Started & { people: readonly string[]; concurrency: number; seconds: number; rate?: number | undefined }
/** `steps`: ms that each request took, by its name. `failures`: what was answered in place of a 200 or 201. `left`: how many people did not have their turn. */
export type Played = { logins: number; requests: number; seconds: number; steps: Record<string, number[]>; failures: Record<string, number>; left: number }

export const password = 'correct horse battery staple'
/** argon2id of it under today's parameters. */
export const hash = '$argon2id$v=19$m=19456,t=2,p=1$LeBp28QB9e8dOjXavqql1w$hjKeBnxU2Spx7u/18uEaJbeDM5/OWhvmCMzK7oPALCc'
