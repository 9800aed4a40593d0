/** Versions of systems and apps, such as `18.2` or `4.12.0-beta`: compared number by number, what is left out is 0. */
import { z } from 'zod'

export const Version = z.string().max(32).regex(/^\d{1,9}(\.\d{1,9}){0,4}$/, 'must be a version, such as 18.2')

/** The numbers that a device tells, or undefined: `Android 16 (API 36)` is 16, `4.12.0-beta` is 4.12.0. */
export function readVersion(told: string | undefined): readonly number[] | undefined {
  const [found] = /\d{1,9}(\.\d{1,9}){0,4}/.exec(told ?? '') ?? []
  return found?.split('.').map(Number)
}

/** Negative: `one` is the older one. */
export function compareVersions(one: readonly number[], other: readonly number[]): number {
  const differs = Array.from({ length: Math.max(one.length, other.length) }, (_, index) => (one[index] ?? 0) - (other[index] ?? 0))
  return differs.find((difference) => difference !== 0) ?? 0
}

/** Whether one of the ranges holds what the device tells. No range holds everything, and so does every range what is not told. */
export function isWithin(ranges: readonly { from?: string | undefined; below?: string | undefined }[], told: string | undefined): boolean {
  const version = readVersion(told)
  if (ranges.length === 0 || !version) return true
  const bound = (text: string | undefined): readonly number[] | undefined => readVersion(text)
  return ranges.some((range) => {
    const [from, below] = [bound(range.from), bound(range.below)]
    return (!from || compareVersions(version, from) >= 0) && (!below || compareVersions(version, below) < 0)
  })
}
