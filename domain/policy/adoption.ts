/** What policies were taken so far, and whether another one may be: a version says the same for ever, or the figures of its offers say nothing. */
import type { Fact } from '../event.ts'
import { Policy } from '../policy.ts'
import type { PolicyEvent } from './events.ts'
import { hash32 } from './lots.ts'

export type PolicyState = {
  /** The one that was taken last, and when (ISO 8601); null where this release cannot read it. */
  current: { policy: Policy; at: string } | null
  /** What each version says. */
  contents: ReadonlyMap<string, string>
}

export type Adoption = { outcome: 'adopted' | 'unchanged' | 'version_taken'; policy: Policy; events: PolicyEvent[] }

export function evolve(state: PolicyState | undefined, { at, data }: Fact<PolicyEvent>): PolicyState {
  const { success, data: policy } = Policy.safeParse({ ...data.policy, version: data.version })
  // Of another release: it is no policy to decide by, and nothing can be compared with it.
  if (!success) return { current: null, contents: state?.contents ?? new Map() }
  return { current: { policy, at }, contents: new Map(state?.contents).set(data.version, contentOf(policy)) }
}

/**
 * `stated`: the version was chosen by somebody. Then it must not have said anything else before. Otherwise it is the default, and another content gets a
 * version of its own, made of what it says: whoever never named a version need not begin to.
 */
export function decideAdoption(state: PolicyState | undefined, wanted: Policy, { stated }: { stated: boolean }): Adoption {
  const known = state?.contents.get(wanted.version)
  const content = contentOf(wanted)
  const taken = known !== undefined && known !== content
  if (taken && stated) return { outcome: 'version_taken', policy: state?.current?.policy ?? wanted, events: [] }
  const policy = taken ? { ...wanted, version: `${wanted.version}-${hash32(content).toString(16).padStart(8, '0')}` } : wanted
  const current = state?.current?.policy
  if (current?.version === policy.version && contentOf(current) === content) return { outcome: 'unchanged', policy, events: [] }
  const { version, by, why, ...rest } = policy
  const data = { version, policy: rest, ...(by !== undefined && { by }), ...(why !== undefined && { why }) }
  return { outcome: 'adopted', policy, events: [{ type: 'PolicyAdopted', data }] }
}

/** What a policy says, in one form. Who wanted it, and why, is not what it says. */
const contentOf = ({ version: _, by: __, why: ___, ...policy }: Policy): string => JSON.stringify(sorted(policy))

const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined).toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([name, one]) => [name, sorted(one)]))
      : value
