/** People are told that a passkey of theirs became active or was removed, at each contact that they had then (NIST SP 800-63B-4, 4.6). */
import { decideNotice, dueNotices, type NoticeReceipt } from '../domain/account/notices.ts'
import type { AccountState, DueNotice } from '../domain/account/state.ts'
import type { Channel } from '../domain/session/vocabulary.ts'
import type { Carrier } from '../delivery/delivery.ts'
import type { Cause, Streams } from '../eventlog/transact.ts'
import { uuidOf } from '../vault/sealing.ts'
import type { Vault } from '../vault/vault.ts'
import { appOf, type Settings } from './apps.ts'
import { accountStream, accounts } from './people.ts'

/** What many accounts that are told in one go have in common. */
export type Telling = {
  /** Channels whose carrier cannot be reached: they are added here, and left alone until the next time. */
  away: Set<Channel>
  signal: AbortSignal
}

const unreachable: readonly string[] = ['timeout', 'unreachable']

export type TellPeople = ReturnType<typeof createNotices>

export function createNotices(dependencies: { streams: Streams; vault: Vault; deliver: Carrier; settings: () => Settings; now: () => Date }) {
  const { streams, vault, deliver, settings, now } = dependencies

  /**
   * Sends what is due to the contacts of this account now. A notice goes out at least once: again only where nobody knows that it did, as after a
   * crash, and then under the same id. @returns how many were taken by a carrier @throws Unavailable
   */
  return async function tell(account: string, { away, signal }: Telling): Promise<number> {
    const state = (await streams.load(accounts, accountStream(account)))?.state
    if (!state) return 0
    let taken = 0
    for (const due of dueNotices(state, now().toISOString())) {
      if (signal.aborted || away.has(due.channel)) continue
      const id = uuidOf(`notice ${account} ${due.notice} ${due.passkey} ${due.contact}`)
      const receipt = await send(id, state, due, signal)
      if (!receipt.delivered && unreachable.includes(receipt.reason)) away.add(due.channel)
      // Given up by us at shutdown: that is nothing to hold against it.
      if (!receipt.delivered && signal.aborted) continue
      const cause: Cause = { actor: 'engine', correlationId: account, causationId: id }
      await streams.transact(accounts, accountStream(account), cause, (current) => ({ events: current ? decideNotice(current.state, due, receipt).events : [], result: undefined }))
      if (receipt.delivered) taken += 1
    }
    return taken
  }

  async function send(id: string, { passkeys, locale }: AccountState, due: DueNotice, signal: AbortSignal): Promise<NoticeReceipt> {
    const linked = passkeys.find(({ passkey }) => passkey === due.passkey)
    const app = linked && appOf(settings(), linked.app)
    if (!app) return { delivered: false, reason: 'app_unknown', retryable: false }
    const to = await vault.open(due.address)
    if (to === undefined) return { delivered: false, reason: 'forgotten', retryable: false }
    return deliver({ id, channel: due.channel, to, template: due.notice, locale: locale ?? app.locale, app: { name: app.name, domain: app.rpId } }, signal)
  }
}
