/**
 * The policy is taken anew from the configuration file while the engine runs: when the file has changed, and whenever somebody asks for it. What is wrong
 * is refused, and the one before stays.
 */
import { readFile } from 'node:fs/promises'
import { BadConfig, readPolicyAnew, type Config } from './config.ts'
import type { Policy } from './domain/policy.ts'
import type { Policies } from './engine/policies.ts'
import type { Telemetry } from './telemetry/telemetry.ts'

/** ms. Twice as long after a change it counts. */
const defaultInterval = 1_000

/** Undefined: it is not there, or cannot be read. */
const contentOf = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined)

export type PolicyFile = ReturnType<typeof createPolicyFile>

/** `use`: decide by this one from now on. */
export function createPolicyFile({ config, policies, use, told, onError, everyMs = defaultInterval, read = contentOf }: {
  config: Config
  policies: Pick<Policies, 'adopt'>
  use: (policy: Policy) => void
  told: Telemetry['policy']
  onError: (error: unknown) => void
  everyMs?: number | undefined
  read?: (path: string) => Promise<string | undefined>
}) {
  // Its content is compared, not its time or its inode: editors and orchestrators replace files, and links to them, in many ways.
  let [handled, last] = [config.file.text, config.file.text]
  let timer: ReturnType<typeof setTimeout> | undefined
  let stopped = false
  let underWay: Promise<unknown> = Promise.resolve()

  async function adopt(policy: Policy, stated: boolean): Promise<void> {
    const adoption = await policies.adopt(policy, { stated })
    use(adoption.policy)
    if (adoption.outcome !== 'version_taken') return told.taken(adoption.outcome, adoption.policy.version)
    told.refused([`policy.version: ${policy.version} has said something else before: raise it`], adoption.policy.version)
  }

  /** @throws Unavailable, and whatever else passes: then it is tried again */
  async function take(): Promise<void> {
    try {
      const { policy, stated, restart } = readPolicyAnew(config)
      if (restart.length > 0) told.restart(restart)
      await adopt(policy, stated)
    } catch (error) {
      if (!(error instanceof BadConfig)) throw error
      told.refused(error.problems)
    }
  }

  async function look(): Promise<void> {
    const text = await read(config.file.path)
    // What was the same twice is not half written.
    if (text !== handled && text === last) {
      await take()
      handled = text
    }
    last = text
  }

  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = underWay.then(work).catch(onError)
    underWay = done
    return done
  }
  const again = (): void => {
    if (!stopped) timer = setTimeout(() => void inTurn(look).finally(again), everyMs).unref()
  }

  return {
    /** The one that the engine was started with, before anybody signs in by it. @throws Unavailable, OutcomeUnknown */
    async start(): Promise<void> {
      await adopt(config.policy, config.policyVersionStated)
      again()
    },
    /** At once, changed or not. */
    take: (): Promise<void> => inTurn(take),
    async stop(): Promise<void> {
      stopped = true
      clearTimeout(timer)
      await underWay
    },
  }
}
