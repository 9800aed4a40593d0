import type { RelyingParty } from '../factors/passkey.ts'
import { appOf, originsOf, type Settings } from './apps.ts'
import { Fault } from './faults.ts'

/** Who asks for a passkey, as the app is registered now. @throws Fault app_unknown */
export function relyingParty(settings: Settings, id: string): RelyingParty {
  const app = appOf(settings, id)
  if (!app) throw new Fault('app_unknown')
  return { rpId: app.rpId, rpName: app.name, origins: originsOf(app) }
}
