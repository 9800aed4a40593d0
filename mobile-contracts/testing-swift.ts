/** Swift sources, read as far as a test needs without a compiler: strings and comments told from code, brackets, types, functions. */
import { globSync, readFileSync } from 'node:fs'

export type SwiftFile = { name: string; text: string }
/** Type of a stored property, such as `[String]?`. */
export type SwiftType = { fields: Record<string, string>; words: string[]; file: string }
/** `documented`: the first thing that its comment says in backticks. */
export type SwiftFunction = { name: string; documented: string | undefined; signature: string; body: string }

const folder = new URL('./swift/', import.meta.url)

export const swiftFiles = (): SwiftFile[] =>
  globSync('{Package.swift,Sources/**/*.swift}', { cwd: folder }).map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))

/** The same text, with spaces in the place of comments and of what stands in strings. What a string interpolates is code. */
export function codeOf(text: string): string {
  let code = ''
  let at = 0
  const skip = (end: number) => {
    code += text.slice(at, end).replace(/[^\n]/g, ' ')
    at = end
  }
  const string = (quotes: string) => {
    skip(at + quotes.length)
    while (at < text.length && !text.startsWith(quotes, at)) {
      if (!text.startsWith('\\(', at)) skip(at + (text[at] === '\\' ? 2 : 1))
      else {
        skip(at + 1)
        plain(')')
      }
    }
    skip(at + quotes.length)
  }
  /** Up to the bracket that closes the one at hand, or to the end. */
  const plain = (closing?: string) => {
    for (let depth = 0; at < text.length; ) {
      if (text.startsWith('//', at)) skip(at + text.slice(at).search(/$/m))
      else if (text.startsWith('"""', at)) string('"""')
      else if (text[at] === '"') string('"')
      else {
        const char = text[at++] as string
        code += char
        if (char === '(') depth += 1
        if (char === ')' && --depth === 0 && closing) return
      }
    }
  }
  plain()
  return code
}

/** What closes nothing, or is never closed; by line. */
export function unbalanced(text: string): string[] {
  const open: { bracket: string; line: number }[] = []
  const wrong: string[] = []
  const opening: Record<string, string> = { ')': '(', ']': '[', '}': '{' }
  codeOf(text).split('\n').forEach((line, index) => {
    for (const [bracket] of line.matchAll(/[()[\]{}]/g)) {
      if (!(bracket in opening)) open.push({ bracket, line: index + 1 })
      else if (open.pop()?.bracket !== opening[bracket]) wrong.push(`${bracket} in line ${index + 1}`)
    }
  })
  return [...wrong, ...open.map(({ bracket, line }) => `${bracket} in line ${line}`)]
}

/** From the bracket at or after `from` to the one that closes it. */
function block(text: string, code: string, from: number): string {
  const start = code.indexOf('{', from)
  let depth = 0
  for (let at = start; at < code.length; at += 1) {
    if (code[at] === '{') depth += 1
    if (code[at] === '}' && --depth === 0) return text.slice(start, at + 1)
  }
  throw new RangeError('the block does not end')
}

/** The structs that no other type holds. */
export function typesIn({ name: file, text }: SwiftFile): Record<string, SwiftType> {
  const code = codeOf(text)
  return Object.fromEntries([...code.matchAll(/^(?:public )?struct (\w+)/gm)].map((match) => {
    const body = block(text, code, match.index)
    const fields = [...body.matchAll(/^ {4}(?:public )?(?:internal\(set\) )?(?:let|var) (\w+): ([^\n={]+?)$/gm)].map(([, field, type]) => [field, type])
    const words = [...body.matchAll(/static let `?\w+`? = \w+\(rawValue: "([^"]+)"\)/g)].map(([, word = '']) => word)
    return [match[1], { fields: Object.fromEntries(fields), words, file }]
  }))
}

export function functionsIn({ text }: SwiftFile): SwiftFunction[] {
  const code = codeOf(text)
  return [...code.matchAll(/\bfunc (\w+)/g)].map((match) => {
    const above = text.slice(0, match.index).split('\n').slice(0, -1)
    const comment = above.slice(above.findLastIndex((line) => !/^ *(\/\/\/|@)/.test(line)) + 1)
    const body = block(text, code, match.index)
    const signature = text.slice(match.index, text.indexOf(body, match.index))
    return { name: match[1] as string, documented: /^ *\/\/\/ `([^`]+)`/.exec(comment[0] ?? '')?.[1], signature, body }
  })
}
