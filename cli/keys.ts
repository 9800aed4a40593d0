/** `keys rotate-signing`. */
import type { Config } from '../config.ts'
import { withEngine } from './with-engine.ts'

/** Engines that run sign with it within a minute; what the old key signed stays valid. */
export const rotateSigningKey = (config: Config): Promise<number> =>
  withEngine(config, async ({ signingKeys }) => {
    await signingKeys.rotate()
    console.log((await signingKeys.current()).kid)
    return 0
  })
