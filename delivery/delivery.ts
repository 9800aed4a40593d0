/** How a code or a notice reaches a person. A carrier never throws and never hangs; a fault is a code, never a text, which might hold an address. */
import type { Channel, Platform } from '../domain/session/vocabulary.ts'

export type Message = {
  /** The delivery's id, a UUID. The same message sent again has the same id, so that whoever takes it can tell a repeat. */
  id: string
  channel: Channel
  /** An e-mail address, or a phone number in E.164. */
  to: string
  /** BCP 47, as the app asked for it. Templates fall back: `de-AT`, `de`, `en`. */
  locale: string
  /** The device that waits for the code: it decides the form in which an SMS offers the code to autofill. */
  platform?: Platform
  app: {
    name: string
    /** The rpId. */
    domain: string
    /** The 11 characters by which Android's SMS Retriever knows the app. */
    smsHash?: string
  }
} & (
  | { template: 'otp'; code: string; validMinutes: number }
  | { template: 'passkey_activated' | 'passkey_removed'; code?: never; validMinutes?: never }
)

/** `delivered` means that the carrier took it, not that it arrived. `retryable`: the same message may get through later, with nothing changed. */
export type Receipt = { delivered: true; carrierId?: string } | { delivered: false; reason: DeliveryFault; retryable: boolean }

export type Carrier = (message: Message, signal?: AbortSignal) => Promise<Receipt>

const retryable = {
  /** Nothing is configured for this channel. */
  no_carrier: false,
  /** The carrier said no for good: a bad address, a message it does not take. */
  refused: false,
  /** The carrier does not accept our credentials or our signature. */
  rejected_credentials: false,
  /** No TLS where it is demanded, or a certificate that is not trusted. The message was not sent. */
  untrusted: false,
  /** The carrier says that it cannot take it now. */
  busy: true,
  /** No connection, or it broke. */
  unreachable: true,
  /** No answer within the time limit: it may have been sent. */
  timeout: true,
  /** The caller's signal ended it: it may have been sent. */
  aborted: true,
  /** An error of this program. */
  failed: false,
}

export type DeliveryFault = keyof typeof retryable

export const fault = (reason: DeliveryFault): Receipt => ({ delivered: false, reason, retryable: retryable[reason] })

/** For one message, all attempts together. */
export const defaultTimeoutMs = 10_000

/** Routes by channel. The time limit holds whatever a carrier does. */
export function createDelivery({ timeoutMs = defaultTimeoutMs, ...carriers }: { [C in Channel]?: Carrier } & { timeoutMs?: number }): Carrier {
  return async (message, signal) => {
    const carrier = carriers[message.channel]
    return carrier ? withinLimit(timeoutMs, signal, limit => carrier(message, limit)) : fault('no_carrier')
  }
}

type Send = (limit: AbortSignal) => Promise<Receipt>

/** The carrier's promise to its caller: settles by the time limit or the caller's signal, whichever comes first, and takes an error for a fault. */
export async function withinLimit(timeoutMs: number, signal: AbortSignal | undefined, send: Send): Promise<Receipt> {
  if (signal?.aborted) return fault('aborted')
  const limit = new AbortController()
  const stopped = Promise.withResolvers<Receipt>()
  const stop = (reason: DeliveryFault) => {
    // First the reason: the abort makes `send` fail, and that must not win the race.
    stopped.resolve(fault(reason))
    limit.abort()
  }
  const onAbort = () => stop('aborted')
  const timer = setTimeout(stop, timeoutMs, 'timeout' satisfies DeliveryFault)
  signal?.addEventListener('abort', onAbort)
  try {
    return await Promise.race([stopped.promise, send(limit.signal)])
  } catch {
    return fault('failed')
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}
