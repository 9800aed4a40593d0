/** What a domain publishes about who may use its passkeys. It comes from the registry that the origins come from, so that they cannot drift (design: section 8). */
import type { App } from './apps.ts'

type DocumentOf<T> = (apps: readonly App[], rpId: string) => T | undefined

/** Apple, "Supporting associated domains": the iOS apps that share credentials with the domain. */
const appleAppSiteAssociation: DocumentOf<{ webcredentials: { apps: string[] } }> = (apps, rpId) => {
  const ids = unique(appsAt(apps, rpId).flatMap(({ ios }) => ios.map(({ teamId, bundleId }) => `${teamId}.${bundleId}`)))
  return ids.length > 0 ? { webcredentials: { apps: ids } } : undefined
}

type Statement = { relation: string[]; target: { namespace: 'android_app'; package_name: string; sha256_cert_fingerprints: string[] } }

/** Google, "Statement List Syntax". Passkeys take both relations (Android, "Credential Manager: Prerequisites"). */
const assetLinks: DocumentOf<Statement[]> = (apps, rpId) => {
  const packages = Map.groupBy(appsAt(apps, rpId).flatMap(({ android }) => android), (one) => one.package)
  const statements = [...packages].map(([name, builds]): Statement => ({
    relation: ['delegate_permission/common.handle_all_urls', 'delegate_permission/common.get_login_creds'],
    target: { namespace: 'android_app', package_name: name, sha256_cert_fingerprints: unique(builds.flatMap(({ fingerprints }) => fingerprints.map(colonHex))) },
  }))
  return statements.length > 0 ? statements : undefined
}

/** WebAuthn Level 3, 5.11: the pages of other domains. Clients heed five of their names at least, and the first ones first: the order is that of the registry. */
const relatedOrigins: DocumentOf<{ origins: string[] }> = (apps, rpId) => {
  const origins = unique(appsAt(apps, rpId).flatMap(({ web }) => web)).filter((origin) => !isWithin(new URL(origin).hostname, rpId))
  return origins.length > 0 ? { origins } : undefined
}

/** Each by its path below `https://<rpId>`. Undefined: no app of the domain has anything to say in it. */
export const associations = {
  '/.well-known/apple-app-site-association': appleAppSiteAssociation,
  '/.well-known/assetlinks.json': assetLinks,
  '/.well-known/webauthn': relatedOrigins,
} as const satisfies Record<string, DocumentOf<unknown>>
export type AssociationPath = keyof typeof associations
export const associationPaths = Object.keys(associations) as AssociationPath[]

export const rpIdsOf = (apps: readonly App[]): string[] => unique(apps.map(({ rpId }) => rpId))

const appsAt = (apps: readonly App[], rpId: string): App[] => apps.filter((app) => app.rpId === rpId)
const unique = <T>(list: readonly T[]): T[] => [...new Set(list)]
const isWithin = (host: string, rpId: string): boolean => host === rpId || host.endsWith(`.${rpId}`)
/** In upper case, as Google's Digital Asset Links API has them ("CertificateInfo"). */
const colonHex = (fingerprint: string): string => Buffer.from(fingerprint, 'base64url').toString('hex').toUpperCase().replace(/..(?!$)/g, '$&:')
