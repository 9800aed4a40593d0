/** `keys rotate`. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { ensureDataFolder, lockMasterKey } from '../data-folder.ts'
import type { Engine } from '../engine/engine.ts'
import type { Rotated } from '../engine/key-rotation.ts'
import { ensureMasterKeyFile, keepFirstMasterKey, putNewMasterKey } from '../vault/master-key.ts'
import { actorOf, becauseOf, type Given } from './because.ts'
import { showProgress } from './progress.ts'
import { withEngine } from './with-engine.ts'

/**
 * ms. An engine that runs may have wrapped a key under the old master key just before it saw the new one, and be waiting to append it: a lock of the file
 * is waited for 5 s, and an append whose outcome is unknown is repeated once.
 */
const settleMs = 20_000

/** 0: every key is wrapped under the newest master key; 2: some are not, and it says why. It may be stopped and run again at any point. */
export async function rotateMasterKey(config: Config, given: Given, { settle = settleMs } = {}): Promise<number> {
  const because = becauseOf(config, given, { always: true })
  return config.masterKeys === undefined ? rotateFile(config, because, settle) : withEngine(config, async (engine) => told(await rotate(engine, because), 'KEYLEDGER_MASTER_KEY'))
}

type Because = ReturnType<typeof becauseOf>

async function rotate(engine: Engine, because: Because, prepare: () => void = () => {}, settle: (again: () => Promise<Rotated>) => Promise<Rotated> = (again) => again()): Promise<Rotated> {
  const behalf = { actor: actorOf(because), act: await engine.act(actorOf(because), { ...because, what: 'keys rotate' }) }
  prepare()
  let counted = { done: 0, of: 0 }
  const bar = showProgress('keys', () => ({ done: counted.done, share: counted.of === 0 ? undefined : counted.done / counted.of }))
  const again = () => engine.keyRotation.rewrap(behalf, (progress) => void (counted = progress))
  const rotated = await settle(again).finally(bar.end)
  if (isWhole(rotated)) await engine.keyRotation.conclude(behalf, rotated)
  return rotated
}

/** The file of the embedded default: a new key is put first, and the old one taken out when nothing needs it. An engine that runs sees both by itself. */
async function rotateFile(config: Config, because: Because, settle: number): Promise<number> {
  const folder = ensureDataFolder(config.dataFolder)
  const file = folder.masterKey
  const lock = lockMasterKey(folder)
  try {
    return await withEngine(config, async (engine) => {
      const prepare = (): void => {
        // Several: a rotation that was broken off. It is finished, and no further key made.
        if (ensureMasterKeyFile(file).length === 1) putNewMasterKey(file)
      }
      const rotated = await rotate(engine, because, prepare, async (again) => {
        const first = await again()
        if (!isWhole(first)) return first
        if (settle > 0) console.error(`Waiting ${settle / 1000} s for what a running engine may have under way`)
        await sleep(settle)
        const second = await again()
        return { ...second, rewrapped: first.rewrapped + second.rewrapped }
      })
      if (isWhole(rotated)) keepFirstMasterKey(file)
      return told(rotated, undefined)
    })
  } finally {
    lock.release()
  }
}

const isWhole = ({ survey: { outdated, superseded } }: Rotated): boolean => outdated.length === 0 && superseded.length === 0

/** `variable`: where the operator has the master keys; undefined: they were taken out already. */
function told({ survey: { newest, under, outdated }, rewrapped, unreadable, retired }: Rotated, variable: string | undefined): number {
  console.log(`${rewrapped} keys rewrapped; ${under.get(newest) ?? 0} are wrapped under master key ${newest}`)
  if (retired.length > 0) console.log(variable === undefined ? `Taken out: ${retired.join(', ')}` : `Nothing is wrapped under ${retired.join(', ')} any more: take it out of ${variable}, engine by engine. If one of them still had it first, run this again after`)
  if (variable !== undefined && retired.length === 0 && outdated.length === 0) console.log(`There is no older one. To change it, put a new one first in ${variable}, the present one behind it: openssl rand -base64 32`)
  if (unreadable.length > 0) console.error(`${unreadable.length} are wrapped under a master key that was not given, such as that of ${unreadable[0]}`)
  else if (outdated.length > 0) console.error(`${outdated.length} were made under an older master key meanwhile: an engine has it first. Restart it with the new one first, then run this again`)
  return outdated.length === 0 ? 0 : 2
}
