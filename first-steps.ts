/** What `npm start` says on an empty data folder: what to paste to see a first login begin. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { actions } from './domain/session/vocabulary.ts'
import type { Engine } from './engine/engine.ts'
import type { EventLog } from './eventlog/event-log.ts'

export async function firstSteps({ url, log, engine }: { url: string; log: EventLog; engine: Engine }): Promise<string> {
  for await (const _ of log.readAll({ prefixes: ['account-'] })) return ''
  const [app] = engine.settings().apps
  const token = randomBytes(32).toString('base64url')
  const start = {
    app: app?.id,
    installation: randomUUID(),
    flowChallenge: createHash('sha256').update(token).digest('base64url'),
    supports: actions,
    identifier: 'ada@example.com',
    device: { platform: 'ios' },
  }
  return [
    '',
    'There is no account yet. Paste this in another terminal to add one:',
    `  npm run --silent cli -- accounts add ada@example.com --password 'correct horse battery staple'`,
    '',
    `and this to start its login (its flow token is ${token}):`,
    `  curl -s ${url}/v1/sessions -H 'content-type: application/json' -H 'idempotency-key: ${randomUUID()}' -d '${JSON.stringify(start)}'`,
    '',
    'The README takes it from there.',
  ].join('\n')
}
