import { describe, expect, test } from 'vitest'
import { decideAppendReport } from './append.ts'
import type { SessionEvent } from './events.ts'
import { legalActions } from './flow.ts'
import { at, facts, folded, usual } from './given.ts'
import { decidePasskeyReport } from './passkey.ts'
import { decidePassword } from './password.ts'
import { classifyReport, deviceReports, meaningOf, reasons, type Ceremony, type Meaning } from './reports.ts'
import { Platform } from './vocabulary.ts'

/** The code and its name in the platform's documentation, or a page there; after the bar the outcome, the reason, and what else is so. */
const expected: Record<string, string[]> = {
  'ios create': [
    '1000 unknown | failed unspecified retry',
    '1001 canceled | cancelled dismissed_or_timed_out retry cool-down',
    '1002 invalidresponse | failed invalid_response alert',
    '1003 nothandled | not_shown not_handled alert',
    '1004 failed | failed failed retry alert',
    '1005 notinteractive | not_shown not_interactive alert',
    '1006 matchedexcludedcredential | failed already_on_device',
    'WKErrorDomain/8 /forums/thread/835726 | failed already_on_device',
    '1007 credentialimport | failed other_request alert',
    '1008 credentialexport | failed other_request alert',
    '1009 prefersigninwithapple | cancelled dismissed_for_sign_in_with_apple retry cool-down',
    '1010 devicenotconfiguredforpasskeycreation | not_shown device_not_configured',
  ],
  'ios get': [
    '1000 unknown | failed unspecified retry',
    '1001 /documentation/authenticationservices/connecting-to-a-service-with-passkeys | cancelled dismissed_or_none_here retry',
    '1002 invalidresponse | failed invalid_response alert',
    '1003 nothandled | not_shown not_handled alert',
    '1004 failed | failed failed retry alert',
    '1005 notinteractive | not_shown not_interactive retry',
    '1006 matchedexcludedcredential | failed other_request alert',
    '1007 credentialimport | failed other_request alert',
    '1008 credentialexport | failed other_request alert',
    '1009 prefersigninwithapple | cancelled dismissed_for_sign_in_with_apple retry',
    '1010 devicenotconfiguredforpasskeycreation | failed other_request alert',
  ],
  'android create': [
    'CreateCredentialCancellationException | cancelled dismissed_or_timed_out retry cool-down',
    'CreateCredentialInterruptedException | not_shown interrupted retry',
    'CreateCredentialNoCreateOptionException | not_shown no_provider',
    'CreateCredentialProviderConfigurationException | not_shown provider_misconfigured alert',
    'CreateCredentialUnsupportedException | not_shown not_supported',
    'CreateCredentialUnknownException | failed unspecified retry',
    'CreateCredentialCustomException | failed provider_specific retry alert',
  ],
  'android get': [
    'GetCredentialCancellationException /identity/sign-in/credential-manager-troubleshooting-guide | cancelled dismissed_or_not_allowed retry',
    'GetCredentialInterruptedException | not_shown interrupted retry',
    'NoCredentialException | not_shown no_credential retry',
    'GetCredentialProviderConfigurationException | not_shown provider_misconfigured alert',
    'GetCredentialUnsupportedException | not_shown not_supported',
    'GetCredentialUnknownException | failed unspecified retry',
    'GetCredentialCustomException | failed provider_specific retry alert',
  ],
  'android create CreatePublicKeyCredentialDomException': [
    'AbortError | not_shown aborted retry',
    'ConstraintError | not_shown requirements_not_met',
    'DataCloneError | failed dom_error retry alert',
    'DataError | failed dom_error retry alert',
    'EncodingError | not_shown invalid_options alert',
    'HierarchyRequestError | failed dom_error retry alert',
    'InUseAttributeError | failed dom_error retry alert',
    'InvalidCharacterError | failed dom_error retry alert',
    'InvalidModificationError | failed dom_error retry alert',
    'InvalidNodeTypeError | failed dom_error retry alert',
    'InvalidStateError | failed already_on_device',
    'NamespaceError | failed dom_error retry alert',
    'NetworkError | failed network retry',
    'NoModificationAllowedError | failed dom_error retry alert',
    'NotAllowedError | cancelled dismissed_or_not_allowed retry cool-down',
    'NotFoundError | failed dom_error retry alert',
    'NotReadableError | failed dom_error retry alert',
    'NotSupportedError | not_shown not_supported',
    'OperationError | failed dom_error retry alert',
    'OptOutError | cancelled dismissed_by_opting_out retry cool-down',
    'QuotaExceededError | failed dom_error retry alert',
    'ReadOnlyError | failed dom_error retry alert',
    'SecurityError | not_shown misconfigured alert',
    'SyntaxError | failed dom_error retry alert',
    'TimeoutError | cancelled timed_out retry cool-down',
    'TransactionInactiveError | failed dom_error retry alert',
    'UnknownError | failed unspecified retry',
    'VersionError | failed dom_error retry alert',
    'WrongDocumentError | failed dom_error retry alert',
  ],
  'android get GetPublicKeyCredentialDomException': [
    'AbortError | not_shown aborted retry',
    'ConstraintError | failed dom_error retry alert',
    'DataCloneError | failed dom_error retry alert',
    'DataError | failed dom_error retry alert',
    'EncodingError | not_shown invalid_options alert',
    'HierarchyRequestError | failed dom_error retry alert',
    'InUseAttributeError | failed dom_error retry alert',
    'InvalidCharacterError | failed dom_error retry alert',
    'InvalidModificationError | failed dom_error retry alert',
    'InvalidNodeTypeError | failed dom_error retry alert',
    'InvalidStateError | failed dom_error retry alert',
    'NamespaceError | failed dom_error retry alert',
    'NetworkError | failed network retry',
    'NoModificationAllowedError | failed dom_error retry alert',
    'NotAllowedError | cancelled dismissed_or_none_here retry',
    'NotFoundError | failed dom_error retry alert',
    'NotReadableError | failed dom_error retry alert',
    'NotSupportedError | not_shown not_supported',
    'OperationError | failed dom_error retry alert',
    'OptOutError | cancelled dismissed_by_opting_out retry',
    'QuotaExceededError | failed dom_error retry alert',
    'ReadOnlyError | failed dom_error retry alert',
    'SecurityError | not_shown misconfigured alert',
    'SyntaxError | failed dom_error retry alert',
    'TimeoutError | cancelled timed_out retry',
    'TransactionInactiveError | failed dom_error retry alert',
    'UnknownError | failed unspecified retry',
    'VersionError | failed dom_error retry alert',
    'WrongDocumentError | failed dom_error retry alert',
  ],
  'web create': [
    'NotAllowedError sctn-create-request-exceptions | cancelled dismissed_or_not_allowed retry cool-down',
    'AbortError sctn-create-request-exceptions | not_shown aborted retry',
    'InvalidStateError sctn-create-request-exceptions | failed already_on_device',
    'ConstraintError sctn-create-request-exceptions | not_shown requirements_not_met',
    'NotSupportedError sctn-create-request-exceptions | not_shown not_supported',
    'SecurityError sctn-create-request-exceptions | not_shown misconfigured alert',
    'TypeError sctn-create-request-exceptions | not_shown invalid_options alert',
    'EncodingError sctn-parseCreationOptionsFromJSON | not_shown invalid_options alert',
    'UnknownError sctn-op-make-cred | failed unspecified retry',
  ],
  'web get': [
    'NotAllowedError sctn-get-request-exceptions | cancelled dismissed_or_none_here retry',
    'AbortError sctn-get-request-exceptions | not_shown aborted retry',
    'SecurityError sctn-get-request-exceptions | not_shown misconfigured alert',
    'TypeError sctn-get-request-exceptions | not_shown invalid_options alert',
    'EncodingError sctn-parseRequestOptionsFromJSON | not_shown invalid_options alert',
    'UnknownError sctn-op-get-assertion | failed unspecified retry',
  ],
}

type Case = { platform: Platform; ceremony: Ceremony; code: string; meaning: Meaning; source: string }
const cases: Case[] = Object.entries(expected).flatMap(([place, lines]) => {
  const [platform, ceremony, exception] = place.split(' ') as [Platform, Ceremony, string?]
  return lines.flatMap((line) => {
    const [name = '', says = ''] = line.split(' | ')
    const [outcome, reason, ...also] = says.split(' ') as [Meaning['outcome'], Meaning['reason'], ...string[]]
    const meaning = { outcome, reason, retryable: also.includes('retry'), coolDown: also.includes('cool-down'), alert: also.includes('alert') }
    const [code = '', documented = code] = name.split(' ')
    const [site, page] = {
      ios: ['https://developer.apple.com', `/documentation/authenticationservices/asauthorizationerror-swift.struct/code/${documented}`],
      android: ['https://developer.android.com', `/reference/androidx/credentials/exceptions/${exception ? 'domerrors/' : ''}${documented}`],
      web: ['https://www.w3.org', `/TR/webauthn-3/#${documented}`],
    }[platform]
    const source = `${site}${documented.startsWith('/') ? documented : page}`
    return (exception ? [`${exception}/${code}`, code] : [code]).map((code) => ({ platform, ceremony, code, meaning, source }))
  })
})

/** A login in which this was just reported. */
function reported({ platform, ceremony, code }: { platform: Platform; ceremony: Ceremony; code: string }) {
  const before =
    ceremony === 'create' ? [facts.entered(), facts.verified(), facts.offered(), facts.started()] : [facts.entered({ passkeys: 1 }), facts.requested()]
  const decision =
    ceremony === 'create'
      ? decideAppendReport(folded(before), classifyReport(platform, code), usual)
      : decidePasskeyReport(folded(before), { platform, code, ...meaningOf(platform, 'get', code) }, usual)
  return folded([...before, ...decision.events])
}

describe('A code that a platform documents', () => {
  test.each(cases)('means, on $platform to $ceremony: $code', ({ platform, ceremony, code, meaning, source }) => {
    expect(meaningOf(platform, ceremony, code)).toEqual(meaning)
    expect(deviceReports.filter((row) => row.platform === platform && row.ceremony === ceremony && row.code === code)).toEqual([
      { platform, ceremony, code, ...meaning, source },
    ])
  })

  test('has a row, and there is none for any other', () => {
    expect(deviceReports).toHaveLength(cases.length)
  })

  test.each(deviceReports)('may be tried again just when the login lets it, on $platform to $ceremony: $code', (row) => {
    const again = row.ceremony === 'create' ? 'append_options' : 'passkey_options'
    expect(legalActions(reported(row).view, usual.now).includes(again)).toBe(row.retryable)
  })
})

describe('A report of a creation', () => {
  const creations = deviceReports.filter(({ ceremony }) => ceremony === 'create')

  test.each(creations)('keeps the code of $platform: $code', ({ platform, code, outcome, reason, retryable }) => {
    expect(classifyReport(platform, code)).toStrictEqual({ platform, code, outcome, reason, ...(outcome === 'cancelled' ? {} : { retryable }) })
  })

  test('puts the next offer off like a no just when the prompt may have been one', () => {
    expect(creations.filter(({ coolDown }) => coolDown)).toEqual(creations.filter(({ outcome }) => outcome === 'cancelled'))
    expect(creations.some(({ coolDown }) => coolDown)).toBe(true)
  })

  test('is no decline where a conditional one was dismissed: the login goes on, and that it was dismissed is all that is known', () => {
    const conditional: SessionEvent = { type: 'AppendStarted', data: { challenge: 'challenge-1', mode: 'conditional', excludes: [], expiresAt: at(300) } }
    const state = folded([facts.entered(), facts.verified(), facts.offered(), conditional])
    const { events } = decideAppendReport(state, classifyReport('web', 'NotAllowedError'), usual)
    expect(events).toEqual([{ type: 'AppendCancelled', data: { platform: 'web', code: 'NotAllowedError', reason: 'dismissed_or_not_allowed' } }])
  })
})

describe('A report of a login', () => {
  test('puts no offer off', () => {
    expect(deviceReports.filter(({ ceremony, coolDown }) => ceremony === 'get' && coolDown)).toEqual([])
  })

  test.each([
    ['android', 'NoCredentialException', 'no_credential'],
    ['android', 'GetCredentialCancellationException', 'cancelled'],
    ['ios', '1001', 'cancelled'],
    ['web', 'NotAllowedError', 'cancelled'],
    ['ios', '1004', 'failed'],
  ] as const)('says why the password was used instead, on %s after %s: %s', (platform, code, reason) => {
    const { events } = decidePassword(reported({ platform, ceremony: 'get', code }), { verdict: 'wrong', reason: 'wrong_password' }, {}, usual)
    expect(events[0]).toEqual({ type: 'PasswordChosen', data: { reason } })
  })
})

describe('A code that nobody knows', () => {
  const places = Platform.options.flatMap((platform) => (['create', 'get'] as const).map((ceremony) => ({ platform, ceremony })))
  const codes = ['', '1099', '1001 ', 'notallowederror', 'constructor', '__proto__', 'toString', 'CreatePublicKeyCredentialDomException/SomeError']
  const unknown = places.flatMap((place) => codes.map((code) => ({ ...place, code })))

  test.each(unknown)('is a failure that may pass, and one to look at, on $platform to $ceremony: "$code"', ({ platform, ceremony, code }) => {
    expect(meaningOf(platform, ceremony, code)).toEqual({ outcome: 'failed', reason: 'unknown', retryable: true, coolDown: false, alert: true })
  })

  test.each(unknown.filter(({ ceremony }) => ceremony === 'create'))('is kept as it came, on $platform: "$code"', ({ platform, code }) => {
    expect(classifyReport(platform, code)).toStrictEqual({ platform, code, outcome: 'failed', reason: 'unknown', retryable: true })
  })

  test.each([
    ['ios', 'create', 'NotAllowedError'],
    ['web', 'create', '1001'],
    ['android', 'get', 'CreateCredentialCancellationException'],
    ['android', 'create', 'GetPublicKeyCredentialDomException/NotAllowedError'],
    ['ios', 'create', '8'],
    ['ios', 'create', 'ASAuthorizationError.1001'],
  ] as const)('is that of another platform or ceremony, too: %s %s %s', (platform, ceremony, code) => {
    expect(meaningOf(platform, ceremony, code).reason).toBe('unknown')
  })
})

describe('The reasons', () => {
  test('are all given by a code, but for the one that stands for none', () => {
    expect(new Set([...deviceReports.map(({ reason }) => reason), 'unknown'])).toEqual(new Set(Object.keys(reasons)))
  })

  test.each(Object.entries(reasons))('are words that the log takes, and each is a sentence: %s', (reason, sentence) => {
    expect(reason).toMatch(/^[a-z_]{1,64}$/)
    expect(sentence).toMatch(/^[A-Z].*[a-z]\.$/)
  })
})

test('The table for readers is this table', async () => {
  await expect(`${page()}\n`).toMatchFileSnapshot('../../docs/device-reports.md')
})

function page(): string {
  const yes = (so: boolean): string => (so ? 'yes' : '')
  const table = (head: string[], rows: string[][]): string =>
    [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  const meanings = (platform: Platform, ceremony: Ceremony): string => {
    const all = deviceReports.filter((row) => row.platform === platform && row.ceremony === ceremony)
    const rows = all.filter(({ code }) => !all.some((other) => other.code.endsWith(`/${code}`)))
    const alike = Map.groupBy(rows, ({ outcome, reason, retryable, alert }) => [outcome, reason, retryable, alert].join())
    return table(
      ['Code', 'Outcome', 'Reason', 'Try again', ...(ceremony === 'create' ? ['Cool-down'] : []), 'Alert'],
      [...alike.values()].map((same) => {
        const { outcome, reason, retryable, coolDown, alert } = same[0] as Meaning
        const codes = same.map(({ code, source }) => `[\`${code}\`](${source})`).join('<br>')
        return [codes, outcome, `\`${reason}\``, yes(retryable), ...(ceremony === 'create' ? [yes(coolDown)] : []), yes(alert)]
      }),
    )
  }
  return [
    '# Device reports',
    `What a code means that an app reports with \`append/report\` (no passkey was created) or \`passkey/report\` (none signed in). The code is kept as it
came, beside our reason. This page is written from \`domain/session/reports.ts\`: change it there, and run \`npx vitest run domain/session/reports.test.ts -u\`.`,
    `A code is what the platform calls it, and each leads to its source:`,
    `- **iOS**: the number of an \`ASAuthorizationError\`, as text: \`1001\`. Of another domain its name, a slash and the number: \`WKErrorDomain/8\`.
- **Android**: the name of the exception's class, with a slash and the name of the DOM error's class where it has one (that name alone means the
  same); not its \`type\`, which is another string. Write the names out in the app, since R8 may rename classes in a release build.
- **Web**: the \`name\` of the error.`,
    table(
      ['Outcome', 'Event of a creation', 'What it says'],
      [
        ['declined', '`AppendSkipped`', "The person said no in the app's own screen. No device reports it: the app sends `append/skip`."],
        ['cancelled', '`AppendCancelled`', 'A prompt was dismissed or ran out of time.'],
        ['not_shown', '`AppendNotShown`', 'No prompt came to its end. Nobody said no.'],
        ['failed', '`AppendFailed`', 'The ceremony failed. Few platforms tell how far it came. Nobody said no.'],
      ],
    ),
    `A login has one event for all of them, \`PasskeyNotUsed\`, with the outcome in it.`,
    `- **Try again**: the person may, in this login, as often as \`next\` allows it. An app never does so by itself.
- **Cool-down**: it may have been a no, and the next offer waits as long as after one (\`coolDownHours.cancelled\` of the [policy](operate.md#when-a-passkey-is-offered)). What was not shown
  or failed has a shorter cool-down of its own. A conditional creation asks nobody and never starts one, whatever its code.
  It fails wherever the credential manager finds that its conditions are not met, and no platform has a code for that alone: count these reports apart.
- **Alert**: operations should look, at the association files, the relying party id, the certificate or the app. One report is no alarm; a rate is.`,
    ...(['create', 'get'] as const).flatMap((ceremony) => [
      ceremony === 'create' ? '## Creating a passkey' : '## Signing in with a passkey',
      ...Platform.options.flatMap((platform) => [`### ${{ ios: 'iOS', android: 'Android', web: 'Web' }[platform]}`, meanings(platform, ceremony)]),
      'Any other code: failed, `unknown`, try again, alert.',
    ]),
    '## Reasons',
    'An open set: an app shows a text of its own for those it knows, and one for all others.',
    table(['Reason', 'What it says'], Object.entries(reasons).map(([reason, sentence]) => [`\`${reason}\``, sentence])),
  ].join('\n\n')
}
