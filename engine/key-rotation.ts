/** The master key is changed: what is wrapped under an older one is wrapped under the newest, and the log has that it was done. */
import type { Streams } from '../eventlog/transact.ts'
import { rewrapKeys, type Progress, type Rewrapped } from '../vault/rotation.ts'
import type { Vault } from '../vault/vault.ts'
import { audits, auditStream } from './acts.ts'

/** `retired`: fingerprints of the older master keys that were given, and that no event of a key names any more. */
export type Rotated = Rewrapped & { retired: readonly string[] }

export type KeyRotation = ReturnType<typeof createKeyRotation>

export function createKeyRotation({ streams, vault }: { streams: Streams; vault: Vault }) {
  return {
    /** Can be stopped and repeated at any point, and goes on beside engines that have the older keys and the newest. @throws Unavailable, OutcomeUnknown */
    async rewrap(because: { actor: string; act: string }, onProgress?: (progress: Progress) => void): Promise<Rotated> {
      const rewrapped = await rewrapKeys({ streams, vault }, because, onProgress)
      const [, ...older] = vault.masterKeys()
      return { ...rewrapped, retired: older.filter((master) => !rewrapped.survey.named.has(master)) }
    },

    /** The fact that it was done. */
    async conclude({ actor, act }: { actor: string; act: string }, { survey: { newest }, rewrapped, retired }: Rotated): Promise<void> {
      await streams.transact(audits, auditStream(act), { actor, correlationId: act, causationId: act }, () => ({
        events: [{ type: 'KeysRewrapped', data: { master: newest, rewrapped, retired: [...retired] } }],
        result: undefined,
      }))
    },
  }
}
