/** `apps check`: what the domains of the apps publish, against what the registry says. */
import { z } from 'zod'
import type { Config } from '../config.ts'
import { associationPaths, associations, rpIdsOf, type AssociationPath } from '../engine/associations.ts'

/** ms */
const patience = 10_000
const maxBytes: Record<AssociationPath, number> = {
  // Apple, App Search Programming Guide, "Support Universal Links": 128 KB, uncompressed.
  '/.well-known/apple-app-site-association': 128 * 1024,
  // Android's StatementService reads no more.
  '/.well-known/assetlinks.json': 1024 * 1024,
  // Chromium (content/browser/webauth) reads no more.
  '/.well-known/webauthn': 256 * 1024,
}

/** Apple, "Supporting associated domains": within 24 hours. */
const appleCache = "Devices are given Apple's copy, which may be a day older: https://app-site-association.cdn-apple.com/a/v1/"

/** 0: every file has what it must have; 2: one has not. `addressOf`: where the domain is reached. */
export async function checkApps({ apps }: Pick<Config, 'apps'>, { addressOf = (rpId: string) => `https://${rpId}`, print = console.log } = {}): Promise<number> {
  let problems = 0
  for (const rpId of rpIdsOf(apps)) {
    for (const path of associationPaths) {
      const expected = associations[path](apps, rpId)
      const found = expected === undefined ? [] : await problemsOf(`${addressOf(rpId)}${path}`, path, expected)
      const good = expected === undefined ? 'not needed' : 'as registered'
      for (const line of found.length > 0 ? found : [good]) print(`https://${rpId}${path}: ${line}`)
      if (expected !== undefined && path === '/.well-known/apple-app-site-association') print(`  ${appleCache}${rpId}`)
      problems += found.length
    }
  }
  return problems === 0 ? 0 : 2
}

async function problemsOf(url: string, path: AssociationPath, expected: unknown): Promise<string[]> {
  try {
    // Apple and Google follow no redirect, and of browsers not all do.
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(patience) })
    if (response.status !== 200) {
      await response.body?.cancel()
      const place = response.headers.get('location')
      return [place === null ? `answers ${response.status}, must be 200` : `redirects to ${place} (${response.status}), must be answered here`]
    }
    const type = response.headers.get('content-type') ?? ''
    const wrongType = /^application\/json\s*(;|$)/i.test(type) ? [] : [`is ${type || 'of no content type'}, must be application/json`]
    const bytes = await read(response, maxBytes[path])
    return [...wrongType, ...(bytes ? lacking(bytes, path, expected) : [`is larger than ${maxBytes[path] / 1024} KiB`])]
  } catch (error) {
    return [`cannot be read: ${reasonOf(error as Error)}`]
  }
}

/** Undefined: more than that. */
async function read(response: Response, limit: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    if ((size += chunk.length) > limit) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Entries of others are theirs; ours must be among them. */
function lacking(bytes: Uint8Array, path: AssociationPath, expected: unknown): string[] {
  const document = parse(bytes)
  if (document === undefined) return ['is not JSON in UTF-8']
  const claims = claimsOf[path](document)
  if (!claims) return ['does not have the form of such a file']
  return (claimsOf[path](expected) ?? []).filter((claim) => !claims.includes(claim)).map((claim) => `lacks ${claim}`)
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

const Apple = z.object({ webcredentials: z.object({ apps: z.array(z.string()) }).default({ apps: [] }) })
const Statement = z.object({
  relation: z.array(z.string()),
  target: z.object({ namespace: z.literal('android_app'), package_name: z.string(), sha256_cert_fingerprints: z.array(z.string()) }),
})
const Related = z.object({ origins: z.array(z.string()) })

/** What a file says, one by one. Undefined: it is not such a file. */
const claimsOf: Record<AssociationPath, (document: unknown) => string[] | undefined> = {
  '/.well-known/apple-app-site-association': (document) => Apple.safeParse(document).data?.webcredentials.apps.map((app) => `webcredentials for ${app}`),
  // A statement list may name websites too, and other files. Android takes a certificate in either case, Chrome in upper case alone.
  '/.well-known/assetlinks.json': (document) =>
    z.array(z.unknown()).safeParse(document).data?.flatMap((one) => {
      const { relation, target } = Statement.safeParse(one).data ?? {}
      return (relation ?? []).flatMap((name) => (target?.sha256_cert_fingerprints ?? []).map((print) => `${name} for ${target?.package_name} signed with ${print}`))
    }),
  '/.well-known/webauthn': (document) => Related.safeParse(document).data?.origins.map((origin) => URL.parse(origin)?.origin ?? origin),
}

/** `fetch` wraps what happened. */
function reasonOf({ name, message, cause }: Error): string {
  if (name === 'TimeoutError') return `no answer within ${patience / 1000} s`
  const { code, message: inner } = (cause ?? {}) as { code?: string; message?: string }
  return code ?? inner ?? message
}
