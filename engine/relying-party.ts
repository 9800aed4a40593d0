import { limits } from '../domain/session/flow.ts'
import type { RelyingParty } from '../factors/passkey.ts'
import { appOf, originsOf, type Settings } from './apps.ts'
import { Fault } from './faults.ts'

/** Who asks for a passkey, as the app is registered now. @throws Fault app_unknown */
export function relyingParty(settings: Settings, id: string): RelyingParty {
  const app = appOf(settings, id)
  if (!app) throw new Fault('app_unknown')
  return { rpId: app.rpId, rpName: app.name, origins: originsOf(app) }
}

/** For one ceremony: 32 random bytes as base64url, good for as long as the options are (WebAuthn Level 3, 13.4.3). */
export const newChallenge = ({ randomBytes, now }: { randomBytes: (size: number) => Uint8Array; now: () => Date }): { challenge: string; expiresAt: string } => ({
  challenge: Buffer.from(randomBytes(32)).toString('base64url'),
  expiresAt: new Date(now().getTime() + limits.ceremonySeconds * 1000).toISOString(),
})
