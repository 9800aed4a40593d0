/** OpenTelemetry by its API alone: without an SDK in the process every call is a no-op, and nothing is kept or sent. */
import { context, propagation, SpanKind, SpanStatusCode, trace, type Attributes, type Span, type SpanOptions, type TextMapGetter } from '@opentelemetry/api'

/** Resolves to the SDK's as soon as there is one. */
const tracer = trace.getTracer('keyledger')

export type Header = (name: string) => string | undefined

/** A span around the work. An error ends it with its code; the exception itself is not recorded, since its message may quote what was sent. */
export function inSpan<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T> {
  return tracer.startActiveSpan(name, options, (span) => ended(span, work))
}

/** A request's span, in the trace of whoever sent it (W3C Trace Context, as the SDK's propagator reads it). */
export function inServerSpan<T>(method: string, header: Header, work: (span: Span) => Promise<T>): Promise<T> {
  const parent = propagation.extract(context.active(), header, getter)
  return tracer.startActiveSpan(method, { kind: SpanKind.SERVER, attributes: { 'http.request.method': method } }, parent, (span) => ended(span, work))
}

/** A span whose work is in no function of ours; whoever began it ends it. */
export const spanBeside = (name: string): Span => tracer.startSpan(name)

async function ended<T>(span: Span, work: (span: Span) => Promise<T>): Promise<T> {
  try {
    return await work(span)
  } catch (error) {
    fails(span, codeOf(error))
    throw error
  } finally {
    span.end()
  }
}

export function fails(span: Span, type: string): void {
  span.setAttribute('error.type', type)
  span.setStatus({ code: SpanStatusCode.ERROR })
}

/** Attributes cost nothing where nobody records them. */
export function tell(span: Span, attributes: () => Attributes): void {
  if (span.isRecording()) span.setAttributes(attributes())
}

/** The trace that a line belongs to: the span's, or without an SDK the caller's. Undefined where there is none. */
export const traceIdOf = (span: Span, header: Header): string | undefined =>
  trace.isSpanContextValid(span.spanContext()) ? span.spanContext().traceId : parentOf(header('traceparent'))

/** The trace id of a `traceparent` that is valid (W3C Trace Context, 3.2.2). */
function parentOf(header: string | undefined): string | undefined {
  const [, version, traceId, parentId, rest] = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-[\da-f]{2}(-.*)?$/.exec(header ?? '') ?? []
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  return /^0+$/.test(traceId!) || /^0+$/.test(parentId!) ? undefined : traceId
}

/** Our stable codes are lower case words; what has none of them is an error of this program or of a library. */
export function codeOf(error: unknown): string {
  const { code } = (typeof error === 'object' && error !== null ? error : {}) as { code?: unknown }
  return typeof code === 'string' && /^[a-z]+(_[a-z]+)*$/.test(code) ? code : 'internal'
}

const getter: TextMapGetter<Header> = { keys: () => ['traceparent', 'tracestate', 'baggage'], get: (header, name) => header(name) }
