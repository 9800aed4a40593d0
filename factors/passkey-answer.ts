/** What the answers to both ceremonies have in common: PublicKeyCredential as JSON (WebAuthn Level 3, section 5.1). */
import { decodeClientDataJSON } from '@simplewebauthn/server/helpers'
import { z } from 'zod'

export const base64url = z.base64url().min(1)

/** Apps may leave out or null what is optional. */
export const answer = {
  type: z.literal('public-key'),
  id: base64url,
  rawId: base64url,
  authenticatorAttachment: z.unknown().optional(),
}

/** @throws when it is no JSON object */
export function readClientData(text: string): ReturnType<typeof decodeClientDataJSON> {
  const clientData = decodeClientDataJSON(text)
  if (Object(clientData) !== clientData) throw new TypeError('client data is no object')
  return clientData
}

/** Whether a page asked that stands in another's page (section 5.8.1). No app and no page of ours does. */
export const isFramed = (clientData: ReturnType<typeof decodeClientDataJSON>): boolean =>
  Boolean(clientData.crossOrigin) || 'topOrigin' in clientData
