import { describe, expect, test } from 'vitest'
import { classifyReport } from './reports.ts'
import { Platform } from './vocabulary.ts'

describe('What a device says of a creation', () => {
  test.each([
    ['ios', '1001'],
    ['android', 'CreateCredentialCancellationException'],
    ['web', 'NotAllowedError'],
  ] as const)('is a dismissal on %s: %s', (platform, code) => {
    expect(classifyReport(platform, code)).toEqual({ platform, code, outcome: 'cancelled', reason: 'dismissed_or_timed_out' })
  })

  test.each([
    ['ios', '1010', 'device_not_configured'],
    ['android', 'CreateCredentialNoCreateOptionException', 'no_provider'],
    ['web', 'AbortError', 'interrupted'],
  ] as const)('is that no prompt appeared on %s: %s', (platform, code, reason) => {
    expect(classifyReport(platform, code)).toEqual({ platform, code, outcome: 'not_shown', reason })
  })

  test.each([
    ['ios', '1006'],
    ['android', 'InvalidStateError'],
    ['web', 'InvalidStateError'],
  ] as const)('is a failure for good on %s, since a passkey is there already: %s', (platform, code) => {
    expect(classifyReport(platform, code)).toEqual({ platform, code, outcome: 'failed', reason: 'already_on_device', retryable: false })
  })

  test.each(Platform.options.flatMap((platform) => ['', '1099', 'constructor', '__proto__', 'toString'].map((code) => [platform, code] as const)))(
    'is a failure that may pass, with its own code kept, where nobody knows it: %s "%s"',
    (platform, code) => {
      expect(classifyReport(platform, code)).toEqual({ platform, code, outcome: 'failed', reason: 'unknown', retryable: true })
    },
  )
})
