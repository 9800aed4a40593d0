/** An event of ours as one of OCSF 1.8.0 (schema.ocsf.io): with pseudonyms, and nothing of what is sealed. */
import { factOf, type EventType } from '../domain/all-events.ts'
import type { Platform } from '../domain/session/vocabulary.ts'
import type { Recorded } from '../eventlog/event-log.ts'
import { tell } from '../replay/tellings.ts'
import { accountActivities, authenticationActivities, factors, securityOf, severities, type Mapping } from './security.ts'

/** Where the event happened, as far as it is known by then. */
export type Place = { account: string | null; app: string | null; platform: Platform | null; installation: string | null; settings: boolean }
export type OcsfEvent = Record<string, unknown>

const classes = { Authentication: 3002, 'Account Change': 3001 } as const
const statuses = { Success: 1, Failure: 2 } as const
const systems: Record<Platform, { name: string; type: string; type_id: number } | undefined> = {
  ios: { name: 'iOS', type: 'iOS', type_id: 301 },
  android: { name: 'Android', type: 'Android', type_id: 201 },
  web: undefined,
}

/** Whether the feed can have it at all. */
export const isInFeed = (type: EventType): boolean => typeof securityOf[type] === 'function'

/** Undefined where it is none. `metadata.uid` is the id of the event: the same whenever it is sent. @throws UnknownEvent */
export function ocsfOf(recorded: Recorded, place: Place): OcsfEvent | undefined {
  const { type, data, at } = factOf(recorded)
  // Each type has its own data: the table pairs them, which this line cannot say.
  const mapping = securityOf[type] as Mapping<EventType>
  const security = typeof mapping === 'string' ? undefined : mapping(data as never, place)
  if (!security) return undefined
  const { status, severity = 'Informational', called, reason, mfa } = security
  const uid = classes[security.class]
  const activity = security.class === 'Authentication' ? authenticationActivities[security.activity] : accountActivities[security.activity]
  const name = called ?? security.activity
  const auth_factors = security.factors?.map((factor) => ({ factor_type: factor, factor_type_id: factors[factor] }))
  const session = sessionOf(recorded)
  return {
    category_uid: 3,
    category_name: 'Identity & Access Management',
    class_uid: uid,
    class_name: security.class,
    activity_id: activity,
    activity_name: name,
    type_uid: uid * 100 + activity,
    type_name: `${security.class}: ${name}`,
    severity_id: severities[severity],
    severity,
    status_id: statuses[status],
    status,
    ...(reason === undefined ? {} : { status_detail: reason }),
    time: Date.parse(at),
    message: tell(recorded).sentence,
    metadata: {
      version: '1.8.0',
      uid: recorded.id,
      correlation_uid: recorded.metadata.$correlationId,
      event_code: type,
      log_name: recorded.stream,
      sequence: recorded.revision,
      product: { name: 'Keyledger', vendor_name: 'Keyledger' },
    },
    user: place.account === null ? { name: 'unknown', type: 'Unknown', type_id: 0 } : { uid: place.account, type: 'User', type_id: 1 },
    ...(auth_factors && auth_factors.length > 0 ? { auth_factors } : {}),
    ...(security.class === 'Authentication' ? { service: { name: place.app ?? 'keyledger' }, is_remote: true, ...(mfa === undefined ? {} : { is_mfa: mfa }), ...(session === null ? {} : { session: { uid: session } }) } : {}),
    actor: actorOf(recorded.metadata.actor),
    ...(place.installation === null || place.platform === null ? {} : { src_endpoint: endpointOf(place.installation, place.platform) }),
  }
}

/** The login that it is of, or came about in (RFC 9562, version 5; an account's own id is of version 4). */
const sessionOf = ({ stream, metadata: { $correlationId: cause } }: Recorded): string | null =>
  stream.startsWith('account-') ? (cause[14] === '5' ? cause : null) : stream.slice(stream.indexOf('-') + 1)

function endpointOf(installation: string, platform: Platform) {
  const os = systems[platform]
  return { uid: installation, type: os ? 'Mobile' : 'Browser', type_id: os ? 5 : 8, ...(os ? { os } : {}) }
}

/** As the metadata has it: `app:<id>`, `account:<uuid>`, `backend:<id>`, `cli:<name>`, `console:<name>`, `engine`. */
function actorOf(actor: string): OcsfEvent {
  const [kind = '', ...rest] = actor.split(':')
  const name = rest.join(':')
  if (kind === 'account') return { user: { uid: name, type: 'User', type_id: 1 } }
  if (kind === 'cli' || kind === 'console') return { app_name: kind, user: { name, type: 'Admin', type_id: 2 } }
  return kind === 'app' || kind === 'backend' ? { app_name: kind, app_uid: name } : { app_name: 'keyledger' }
}
