/** `access` of the configuration file: the company's OpenID provider, and what its people may do here. */
import { z } from 'zod'
import { RoleMapping } from './roles.ts'

const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** What is read from there decides who may look: so TLS, but for a provider on this machine. */
const secureUrl = z.url().refine((text) => {
  const url = URL.parse(text)
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback.test(url.hostname))
}, 'must be https, or http on this machine')

export const AccessSettings = z
  .strictObject({
    /** As in its `/.well-known/openid-configuration`. */
    issuer: secureUrl,
    /** The console as a client of the provider. Its secret, if it has one, comes from the environment. */
    clientId: z.string().min(1),
    /** `aud` of the access tokens for the API. */
    audience: z.string().min(1),
    /** Where the roles are, in the ID token and in access tokens: a name, or a path such as `realm_access.roles`. */
    roleClaim: z.string().min(1).default('roles'),
    roles: RoleMapping.prefault({}),
    /** What the console asks for. */
    scope: z.string().regex(/(^| )openid( |$)/, 'must have openid among its values').default('openid profile'),
    /** RFC 9068, 4: `at+jwt`. For a provider that does not keep to it: `JWT`. */
    tokenType: z.enum(['at+jwt', 'JWT']).default('at+jwt'),
    /** Where the console is reached, if that is not the `issuer` of the engine: its origin alone. */
    consoleUrl: secureUrl.refine((text) => URL.parse(text)?.origin === text, 'must be an origin, such as https://keyledger.example').optional(),
  })
  // An ID token has the type JWT too: only its audience tells it from an access token then.
  .refine(({ tokenType, audience, clientId }) => tokenType !== 'JWT' || audience !== clientId, { path: ['audience'], message: 'must not be clientId where tokenType is JWT' })
export type AccessSettings = z.infer<typeof AccessSettings>
