/** Who may look from within the company, as the configuration has it. */
import type { KeyObject } from 'node:crypto'
import { createAccess, type Access } from './access/access.ts'
import { consoleKeyOf } from './access/console-key.ts'
import type { Config } from './config.ts'
import { ensureDataFolder } from './data-folder.ts'
import { ensureKeyFile } from './vault/key-file.ts'

type Asked = Pick<Config, 'access' | 'accessClientSecret' | 'eventStoreDbUrl' | 'dataFolder' | 'issuer' | 'port'>

/**
 * On the embedded default the key lies in the data folder and outlives a restart, as the sessions and scripts that rest on it do; who deletes the
 * file has another one. In production, or with a provider, there is none.
 */
export function openAccess(config: Asked, secret: KeyObject, now: () => Date): { access: Access; consoleKey: string | undefined } {
  const { access: settings, accessClientSecret: clientSecret, eventStoreDbUrl } = config
  const consoleKey = settings || eventStoreDbUrl ? undefined : consoleKeyOf(Buffer.from(ensureKeyFile(ensureDataFolder(config.dataFolder).consoleKey), 'base64'))
  const consoleUrl = settings?.consoleUrl ?? new URL(config.issuer ?? `http://localhost:${config.port}`).origin
  return { access: createAccess({ settings, clientSecret, consoleKey, consoleUrl, secret, now }), consoleKey }
}
