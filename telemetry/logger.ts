/**
 * One JSON object a line, on stderr. What stands in a line is chosen here, field by field: no identifier, address, user agent, token, body or
 * path, and no message of an error, since a library's may quote its input.
 */

/** From the fewest lines to the most. */
export const levels = ['error', 'warn', 'info', 'debug'] as const
export type Level = (typeof levels)[number]
export type Fields = { readonly [name: string]: string | number | readonly string[] | Fields | undefined }
export type Logger = (level: Level, what: string, fields?: Fields) => void

/** JSON has no line break in a string, so nothing that a field holds can begin a line of its own (OWASP ASVS 5.0, 16.4.1). */
export function createLogger({ level: least, now, write }: { level: Level; now: () => Date; write: (line: string) => void }): Logger {
  const shown: ReadonlySet<Level> = new Set(levels.slice(0, levels.indexOf(least) + 1))
  return (level, what, fields) => {
    if (shown.has(level)) write(JSON.stringify({ at: now().toISOString(), level, what, ...fields }))
  }
}

/** What may be told of an error: its name, its code, where it happened, and the same of what caused it. */
export function errorFields(error: unknown, causes = 3): Fields {
  const { name, code, errcode, cause } = (typeof error === 'object' && error !== null ? error : {}) as { name?: unknown; code?: unknown; errcode?: unknown; cause?: unknown }
  return {
    name: wordOf(name) ?? typeof error,
    code: wordOf(code),
    // SQLite's extended result code: its `code` says no more than that it is SQLite's.
    errcode: wordOf(errcode),
    stack: error instanceof Error ? framesOf(error) : undefined,
    cause: cause === undefined || causes === 0 ? undefined : errorFields(cause, causes - 1),
  }
}

/** Names and codes are words of programs, such as `TypeError`, `ECONNREFUSED`, `42P01` or `14`. */
function wordOf(value: unknown): string | number | undefined {
  if (typeof value === 'number') return value
  return typeof value === 'string' && /^[A-Za-z_][\w.]{0,63}$|^[\dA-Z]{5}$/.test(value) ? value : undefined
}

const maxFrames = 12
const frame = /^ {4}at (?:[\w$.<>[\]# ]+ \()?(?:file:\/\/|node:|ext:|npm:|\/|[A-Z]:\\)[^\s()]*:\d+:\d+\)?$/

/** The stack begins with the message, which may have lines that look like frames. Where it is not found nothing is told. */
function framesOf({ stack = '', message }: Error): string[] {
  const start = stack.indexOf(message)
  if (start < 0) return []
  return stack.slice(start + message.length).split('\n').filter((line) => frame.test(line)).slice(0, maxFrames).map((line) => line.trim())
}
