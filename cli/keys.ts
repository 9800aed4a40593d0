/** `keys rotate-signing | rotate-ledger | new-backend`. */
import { randomBytes } from 'node:crypto'
import type { Config } from '../config.ts'
import { BackendId, backendKeyOf, keySha256Of } from '../engine/backends.ts'
import { actorOf, becauseOf, type Given } from './because.ts'
import { Misuse } from './misuse.ts'
import { withEngine } from './with-engine.ts'

/** Engines publish it at once and sign with it ten minutes later, when every verifier knows it; what the old key signed stays valid. */
export async function rotateSigningKey(config: Config, given: Given): Promise<number> {
  const because = becauseOf(config, given)
  return withEngine(config, async ({ signingKeys, act }) => {
    await act(actorOf(because), { ...because, what: 'keys rotate-signing' })
    const { kid, signsFrom } = await signingKeys.rotate()
    console.log(`${kid} is published, and signs from ${signsFrom.toISOString()} on`)
    return 0
  })
}

/** The ledger signs with a new key from now on, which the old one names; the old one is destroyed. */
export async function rotateLedgerKey(config: Config, given: Given): Promise<number> {
  const because = becauseOf(config, given)
  return withEngine(config, async ({ ledger, act }) => {
    await act(actorOf(because), { ...because, what: 'keys rotate-ledger' })
    const { vkey } = await ledger.rotateKey()
    console.log(`${vkey} signs checkpoints from now on. Tell it to whoever holds the one before.`)
    return 0
  })
}

/** A key for the service API. It is printed once and kept nowhere: the configuration takes its hash. */
export async function newBackendKey(name: string): Promise<number> {
  const id = BackendId.safeParse(name)
  if (!id.success) throw new Misuse(`NAME ${id.error.issues[0]?.message}`)
  const key = backendKeyOf(randomBytes(32))
  console.log(`The key, shown this once. The backend sends it as "Authorization: Bearer ...":\n\n  ${key}\n`)
  console.log(`For "backends" in the configuration file, which holds no secret by it:\n\n  ${JSON.stringify({ id: id.data, keySha256: keySha256Of(key) })}`)
  return 0
}
