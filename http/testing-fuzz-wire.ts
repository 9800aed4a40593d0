/** What a body is as bytes: mostly JSON in UTF-8, and otherwise all that a broken or hostile client makes of it. */
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'

export type Wire = { kind: (typeof kinds)[number]; at: number; bytes: Uint8Array }

const kinds = [
  'bom', 'utf16le', 'utf16be', 'latin1', 'gzip', 'truncated', 'trailing', 'doubled key', 'bad utf-8', 'nul', 'padded', 'too large', 'just small enough',
  'nested', 'quotes', 'random', 'empty', 'form', 'number', 'comment', 'breaks off', 'twice', 'plain',
] as const

export const wire: fc.Arbitrary<Wire> = fc.record({
  kind: fc.oneof({ weight: 60, arbitrary: fc.constant<Wire['kind']>('plain') }, { weight: 10, arbitrary: fc.constantFrom<Wire['kind']>(...kinds) }),
  at: fc.nat(100_000),
  bytes: fc.uint8Array({ maxLength: 40 }),
})

const limit = 64 * 1024
const swapped = (bytes: Buffer): Buffer => bytes.swap16()

export type Sent = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | undefined

/** Undefined: no body at all. */
export function encoded(body: unknown, { kind, at, bytes }: Wire): Sent {
  const text = JSON.stringify(body)
  if (text === undefined) return undefined
  if (kind === 'breaks off') return breakingOff(new TextEncoder().encode(text), at)
  return Uint8Array.from(spoiled(text, kind, at, bytes))
}

function spoiled(text: string, kind: Wire['kind'], at: number, bytes: Uint8Array): Uint8Array {
  const place = at % (text.length + 1)
  const [before, after] = [text.slice(0, place), text.slice(place)]
  switch (kind) {
    case 'plain': return Buffer.from(text)
    case 'bom': return Buffer.from(`\ufeff${text}`)
    case 'utf16le': return Buffer.from(text, 'utf16le')
    case 'utf16be': return swapped(Buffer.from(text, 'utf16le'))
    case 'latin1': return Buffer.from(text, 'latin1')
    case 'gzip': return gzipSync(text)
    case 'truncated': return Buffer.from(before)
    case 'trailing': return Buffer.from(`${text}${at % 2 === 0 ? '}' : ',{}'}`)
    case 'doubled key': return Buffer.from(text.replace('{', `{${text.slice(1, -1).replace(/,\s*$/, '')}${text.length > 2 ? ',' : ''}`))
    case 'bad utf-8': return Buffer.concat([Buffer.from(before), Buffer.of([0xff, 0xc0, 0xed, 0xf5][at % 4] as number), Buffer.from(after)])
    case 'nul': return Buffer.from(`${before}\0${after}`)
    case 'padded': return Buffer.from(`${' '.repeat(at % 2_000)}${text}${'\n'.repeat(at % 100)}`)
    case 'too large': return Buffer.from(text.padEnd(limit + 1 + (at % 100)))
    case 'just small enough': return Buffer.from(text.padEnd(limit))
    case 'nested': return Buffer.from(`${(at % 2 === 0 ? '[' : '{"a":').repeat(at % 12_000)}`)
    case 'quotes': return Buffer.from(`"${'\\"'.repeat(at % (limit / 2))}`)
    case 'random': return bytes
    case 'empty': return Buffer.from([])
    case 'form': return Buffer.from(`body=${encodeURIComponent(text)}`)
    case 'number': return Buffer.from(['1e999', '-0', '0x10', '01', 'NaN', '9'.repeat(5_000)][at % 6] as string)
    case 'comment': return Buffer.from(`/* ${text} */ ${text}`)
    case 'twice': return Buffer.from(text + text)
    case 'breaks off': throw new TypeError('a stream, not bytes')
  }
}

/** Some of it comes, and then the connection is gone. */
function breakingOff(bytes: Uint8Array, at: number): ReadableStream<Uint8Array> {
  let sent = false
  return new ReadableStream({
    pull(controller) {
      if (sent) return controller.error(new Error('the client went away'))
      sent = true
      controller.enqueue(bytes.slice(0, 1 + (at % bytes.length)))
    },
  })
}
