import { describe, expect, test } from 'vitest'
import { compareVersions, isWithin, readVersion } from './versions.ts'

test.each<[string | undefined, number[] | undefined]>([
  ['18', [18]],
  ['18.2.1', [18, 2, 1]],
  ['iOS 26.3', [26, 3]],
  ['16 (API 36)', [16]],
  ['4.12.0-beta.3', [4, 12, 0]],
  ['4.12.', [4, 12]],
  ['beta', undefined],
  ['', undefined],
  [undefined, undefined],
])('A version is read from what a device tells: %s', (told, expected) => expect(readVersion(told)).toEqual(expected))

test.each([
  ['9', '10', -1],
  ['18.2', '18.10', -1],
  ['18', '18.0.0', 0],
  ['18.0.1', '18', 1],
])('%s beside %s: %i', (one, other, expected) => expect(Math.sign(compareVersions(readVersion(one)!, readVersion(other)!))).toBe(expected))

describe('A range', () => {
  test('begins with its first version and ends before its last', () => {
    const ranges = [{ from: '17.4', below: '18.2' }]
    expect(['17.3.9', '17.4', '18.1.9', '18.2', '18.2.0'].map((told) => isWithin(ranges, told))).toEqual([false, true, true, false, false])
  })

  test('may be open at either end, and be one of several', () => {
    expect(['1', '16.9', '17', '18', '99'].map((told) => isWithin([{ below: '17' }, { from: '18' }], told))).toEqual([true, true, false, true, true])
  })

  test('holds what is not told, and no range holds everything', () => {
    expect([isWithin([{ from: '17' }], undefined), isWithin([{ from: '17' }], 'beta'), isWithin([], '1')]).toEqual([true, true, true])
  })
})
