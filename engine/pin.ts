/** Step 4e, and what the PIN is for afterwards. By default it is kept on the device; where the plan says so, a verifier is kept here, sealed. */
import { createHmac } from 'node:crypto'
import { decideUnlock, installationOf } from '../domain/account/installations.ts'
import { decidePin, decidePinSkip, type PinVerdict } from '../domain/session/pin.ts'
import type { Cause, Streams } from '../eventlog/transact.ts'
import { pinWeakness, type Pins } from '../factors/pin.ts'
import type { Vault } from '../vault/vault.ts'
import { Fault } from './faults.ts'
import { accountStream, accounts } from './people.ts'
import type { Step } from './step.ts'
import type { Access } from './tokens.ts'

export function createPinSteps(dependencies: { streams: Streams; vault: Vault; pins: Pins }) {
  const { streams, vault, pins } = dependencies

  const set = (pin: string | undefined): Step<PinVerdict> => ({
    action: 'pin',
    judge: async () => (pin === undefined ? { given: false } : { given: true, weakness: pinWeakness(pin) }),
    decide: decidePin,
    async leaves(_, events, { view: { account }, installation }) {
      const event = events.find(({ type }) => type === 'PinSet')
      if (event?.type !== 'PinSet' || account === null) return {}
      const verifier = pin === undefined ? undefined : await vault.seal({ account }, pins.verifier(account, installation, pin))
      return { pin: { keptOn: event.data.keptOn, verifier } }
    },
  })

  const skip: Step<undefined> = { action: 'pin_skip', judge: async () => undefined, decide: (state, _, circumstances) => decidePinSkip(state, circumstances) }

  /** A PIN kept here is given to open the app. @throws Fault pin_rejected, pin_locked, pin_not_kept_here, session_over, key_reused */
  async function unlock({ token, account, installation, session, app }: Access, pin: string, key: string): Promise<void> {
    // Keyed with a secret of the app's, as in a login: the log and all keys of the server together cannot test a guess, nor see that two PINs are the same.
    const fingerprint = createHmac('sha256', token).update(`unlock\n${pin}`).digest('base64url')
    const cause: Cause = { actor: `app:${app}`, correlationId: session, causationId: `${session}/${key}`, fingerprint }
    const { result } = await streams.transact(accounts, accountStream(account), cause, async (current) => {
      if (!current || current.state.status !== 'active') throw new Fault('session_over')
      const before = current.keys.get(cause.causationId)
      if (before && before.fingerprint !== fingerprint) throw new Fault('key_reused')
      const sealed = installationOf(current.state, installation).pin?.verifier
      const verifier = sealed && (await vault.open(sealed))
      const matches = verifier !== undefined && pins.matches(verifier, account, installation, pin)
      // A repeat of a wrong PIN is not another wrong PIN.
      const { events, ...unlocked } = decideUnlock(current.state, installation, { matches, counted: before !== undefined })
      return { events, result: unlocked }
    })
    if (result.outcome !== 'unlocked') throw new Fault(result.outcome, { attemptsLeft: result.attemptsLeft })
  }

  return { set, skip, unlock }
}
