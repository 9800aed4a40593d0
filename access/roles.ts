/** Who somebody is that looks from within the company, and what they may see. */
import { z } from 'zod'

/** `analyst` reads figures, `auditor` replays logins and reads the record, `admin` may all. */
export const Role = z.enum(['analyst', 'auditor', 'admin'])
export type Role = z.infer<typeof Role>

/** `subject`: as the provider names them, for good; what stands in facts. `name`: what to call them on a page, if the provider says. */
export const Identity = z.object({ subject: z.string().min(1).max(255), name: z.string().max(255).optional(), roles: z.array(Role) })
export type Identity = z.infer<typeof Identity>

/** As facts name whoever looks, over HTTP or on a page. */
export const actorOf = ({ subject }: Pick<Identity, 'subject'>): string => `console:${subject}`

export const may = ({ roles }: Identity, role: Role): boolean => roles.includes(role) || roles.includes('admin')

/** Which values of the provider's claim give which role. */
export const RoleMapping = z.strictObject({
  analyst: z.array(z.string().min(1)).default(['analyst']),
  auditor: z.array(z.string().min(1)).default(['auditor']),
  admin: z.array(z.string().min(1)).default(['admin']),
})
export type RoleMapping = z.infer<typeof RoleMapping>

/** A value that is not mapped gives nothing. `claim`: a name, or a path such as `realm_access.roles`; names with dots are URLs, so a whole name goes first. */
export function rolesIn(claims: object, claim: string, mapping: RoleMapping): Role[] {
  const found = own(claims, claim) ?? claim.split('.').reduce<unknown>(own, claims)
  const values: unknown[] = typeof found === 'string' ? found.split(' ') : Array.isArray(found) ? found : []
  return Role.options.filter((role) => mapping[role].some((value) => values.includes(value)))
}

const own = (from: unknown, name: string): unknown =>
  typeof from === 'object' && from !== null && Object.hasOwn(from, name) ? (from as Record<string, unknown>)[name] : undefined
