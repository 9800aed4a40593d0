/** A timeline as text, for a terminal of 80 columns or more. */
import type { Look } from '../engine/looks.ts'
import type { AccountReplay } from '../replay/account-replay.ts'
import type { LoginSummary } from '../replay/login-summary.ts'
import type { SearchAnswer } from '../replay/search.ts'
import type { SessionReplay, TimelineStep } from '../replay/session-replay.ts'
import type { Changed } from '../replay/changes.ts'

type Detail = { events?: boolean | undefined }
type Line = readonly [name: string, text: string]

const wide = 12
const table = (lines: readonly Line[], indent = ''): string[] => lines.map(([name, text]) => `${indent}${name.padEnd(wide)}${text}`)
const asOfText = (asOf: SessionReplay['asOf']): Line[] => (asOf === null ? [] : [['as of', 'revision' in asOf ? `revision ${asOf.revision}` : asOf.time]])

export function sessionInWords(replay: SessionReplay, detail: Detail): string {
  const { session, account, app, platform, startedAt, asOf, status, step, next, steps } = replay
  return [
    ...table([
      ['session', session],
      ['account', account ?? 'nobody is named'],
      ['app', `${app} on ${platform}`],
      ['started', startedAt],
      ...asOfText(asOf),
      ['status', step === null ? status : `${status}, at ${step}`],
      ['next', next.length === 0 ? 'nothing is legal' : next.join(', ')],
    ]),
    ...steps.flatMap((one) => ['', ...stepInWords(one, detail)]),
  ].join('\n')
}

export function accountInWords(replay: AccountReplay, detail: Detail): string {
  const { account, status, registeredAt, asOf, passkeys, sessions, olderSessions, steps } = replay
  return [
    ...table([
      ['account', account],
      ['status', status],
      ['registered', registeredAt],
      ...asOfText(asOf),
      ...passkeys.map((one): Line => ['passkey', `${one.status}, linked ${one.linkedAt} in ${one.app} by session ${one.session}, provider ${one.provider}: ${one.passkey}`]),
      ...(sessions ?? []).map((one): Line => ['login', loginInWords(one)]),
      ...(sessions === null ? [['logins', 'not known while the rows are out of reach'] as const] : []),
      ...(olderSessions > 0 ? [['logins', `and ${olderSessions} older ones`] as const] : []),
    ]),
    ...steps.flatMap((one) => ['', ...stepInWords(one, detail)]),
  ].join('\n')
}

const loginInWords = ({ session, startedAt, app, platform, signedInBy, outcome, offer }: LoginSummary): string =>
  `${startedAt}  ${session}  ${app} on ${platform}, ${signedInBy === null ? 'not signed in' : `by ${signedInBy}`}, ${outcome}${offer === null ? '' : `; passkey ${offer.outcome}${offer.reason === null ? '' : ` (${offer.reason})`}`}`

function stepInWords(step: TimelineStep, { events = false }: Detail): string[] {
  const { at, actor, sentence, proved, decided, changed, next, sealed, ledger, event } = step
  const lines: Line[] = [
    ['event', `${event.type}, ${event.stream} revision ${event.revision}, id ${event.id}`],
    ...(proved ? [['proved', `${proved.what}, ${proved.holds ? 'it holds' : 'it does not hold'}: ${proved.how}`] as const] : []),
    ...(decided ? [['decided', `${decided.what}, because: ${decided.why}${decided.policy === null ? '' : ` (policy ${decided.policy})`}`] as const] : []),
    ...changed.map((one): Line => ['changed', changeInWords(one)]),
    ...(next ? [['next', next.length === 0 ? 'nothing is legal' : next.join(', ')] as const] : []),
    ...(sealed.length > 0 ? [['sealed', sealed.map(({ field, under, opens }) => `${field} (by ${under}${opens ? '' : ', never opened'})`).join(', ')] as const] : []),
    ['ledger', ledgerInWords(ledger)],
    ...(events ? [['stored', JSON.stringify(event)] as const] : []),
  ]
  return [`${at}  ${actor}`, `  ${sentence}.`, ...table(lines, '  ')]
}

const changeInWords = ({ field, from, to }: Changed): string => `${field.replace(/^view\./, '')}: ${valueInWords(from)} -> ${valueInWords(to)}`
const valueInWords = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

export const ledgerInWords = (ledger: TimelineStep['ledger']): string =>
  ledger === null
    ? 'not known while the rows are out of reach'
    : ledger.checkpoint !== null
      ? `leaf ${ledger.leaf}, covered by checkpoint ${ledger.checkpoint}`
      : `${ledger.leaf === null ? 'no leaf yet' : `leaf ${ledger.leaf}`}, not yet covered by a checkpoint`

export const lookInWords = ({ look, stream, revision, opened }: Look): string =>
  ['', `opened of ${stream} revision ${revision}, as audit-${look} says`, ...table(opened.map(({ field, value }) => [field, value ?? 'no longer kept']), '  ')].join('\n')

export function foundInWords({ source, order, found, looked, until, after }: SearchAnswer): string {
  const lines = found.map(({ at, session, account, app, platform, outcome, offer, event }) => {
    const place = app === null ? '' : `  ${app} on ${platform}, ${outcome}${offer === null ? '' : `, passkey ${offer}`}`
    return `${at}  ${event ? `${event.type}: ${event.sentence}  ${event.stream} revision ${event.revision}` : `session ${session}`}${place}${account === null ? '' : `  account ${account}`}`
  })
  const from = { rows: 'the rows of logins', 'rows and streams': 'the rows of logins and their streams', log: 'the log' }[source]
  return [
    ...(lines.length === 0 ? ['nothing found'] : lines),
    '',
    `${found.length} found, ${order}, in ${from}: ${looked.logins} logins and ${looked.events} events looked at`,
    ...(after === null ? [] : [`there may be more${until === null ? '' : `, from ${until} on`}: --after ${after}`]),
  ].join('\n')
}
