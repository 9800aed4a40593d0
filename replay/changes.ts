/** What a step changed, field by field: two states of a login side by side are long, and mostly the same. */
export type Changed = { field: string; from: unknown; to: unknown }

/** `undefined` counts as null. Lists are compared whole. */
export function changesBetween(before: object, after: object, path = ''): Changed[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].flatMap((name): Changed[] => {
    const [from, to] = [before, after].map((state) => (state as Record<string, unknown>)[name] ?? null)
    const field = path === '' ? name : `${path}.${name}`
    if (isPlain(from) && isPlain(to)) return changesBetween(from, to, field)
    return JSON.stringify(from) === JSON.stringify(to) ? [] : [{ field, from, to }]
  })
}

const isPlain = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)
