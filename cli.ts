/** The same engine from a terminal. It works beside a running one. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import type { Asked } from './audit/bundle.ts'
import { Misuse } from './cli/misuse.ts'
import { BadConfig, readConfig } from './config.ts'

const usage = `Usage: npm run --silent cli -- COMMAND

  What changes something, or opens what is sealed (*), is written down before: --as NAME --why TEXT.
  On the embedded default they may be left out, but not where they are shown here.

  accounts import FILE *                people from FILE.csv or FILE.ndjson; - is standard input
      --format csv|ndjson               where the name does not say it
      columns: email, phone, username, password_hash, mfa, locale, test
  accounts add IDENTIFIER ... *         an e-mail address, a phone number, a username
      --password TEXT | --password-stdin
      --email ADDRESS --phone NUMBER    where codes go, if not to the identifiers
      --mfa --locale de --test
  accounts show ID|IDENTIFIER [--json] *
  accounts export ID|IDENTIFIER --as NAME --why TEXT
      -o FILE                           what is known of the person, as JSON (GDPR, art. 15)
  accounts erase ID|IDENTIFIER --as NAME --why TEXT
      --yes                             without typing the id again

  audit session ID                      a login, step by step
      --as-of REVISION|TIME --json      --events: with every event as it is stored
      --open REVISION --as NAME --why TEXT    opens what is sealed in that event
  audit account ID                      a person's passkeys, logins, offers and changes; options as above
  audit account IDENTIFIER --as NAME --why TEXT
  audit search                          logins; with --type or --reason, events
      --from TIME --to TIME --type EVENT --outcome WORD --reason WORD --app ID --platform NAME
      --limit N --after CURSOR --json

  projections status
  projections rebuild NAME|--all        while the engine serves
  projections compare NAME              what differs from the log? Nothing is written
      --with VERSION                    or from the table of another version
  projections switch NAME VERSION       readers take that version's table
      --hold                            and keep it when a newer one has caught up
  projections drop NAME VERSION         an older table, kept for a way back

  policy show                           the one that was taken last
  policy check FILE                     would an engine take it? FILE: a policy, or a configuration file
  policy explain --account ID|IDENTIFIER  in a sentence why this person would, or would not, be offered a passkey now
      --app ID --platform ios|android|web --os 18.2 --app-version 4.12 --installation ID --settings --screen-lock yes|no
  policy simulate FILE                  what it would have made of the logins so far, by reason
      --since 2026-03-01 --assume declined|unanswered --json

  audit checkpoint *                    sign what the ledger has, and print the note
  audit prove STREAM REVISION           that the event is what was signed
      --size N                          for a checkpoint of so many events; otherwise the newest
  audit prove-consistency FROM TO       that a checkpoint of TO events extends one of FROM
  audit export -o FOLDER|FILE.zip       a bundle that can be checked without the engine
      --session ID | --account ID | --since DATE | --all
      --size N                          for a checkpoint that somebody holds
  audit verify BUNDLE                   checks it; 2: wrong, 3: not all of it is covered
      --key VKEY --checkpoint FILE --consistency FILE     what you hold from elsewhere

  log verify [FILE]                     walks every event: of the engine's log, or of an embedded one in FILE; 2: wrong, 3: not all of it is covered
      --key VKEY --checkpoint FILE      what you hold from elsewhere
  log backup FILE                       the embedded log, while the engine runs
  log restore FILE --as NAME --why TEXT in its place; the engine must be stopped
      --yes                             also where the log has more than the backup
  log copy --to esdb://... *            an embedded log into an empty EventStoreDB; the engine must be stopped

  apps check                            do the apps' domains publish what is registered?
  keys rotate --as NAME --why TEXT      what is wrapped under an older master key, under the newest
  keys rotate-signing *                 a new key for access tokens
  keys rotate-ledger *                  a new key for checkpoints; the old one names it and is destroyed
  keys new-backend NAME                 a key for the service API, and what the configuration says of it
  demo                                  three logins against an engine of their own`

/** sysexits.h: the command was used incorrectly. */
const exitUsage = 64

const text = { type: 'string' } as const
const yes = { type: 'boolean' } as const
/** Of every command that changes something, or opens what is sealed. */
const because = { as: text, why: text }
const replaying = { 'as-of': text, json: yes, events: yes, open: text }

// What a command needs is loaded when it is given.
const commands: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  async 'accounts import'(args) {
    const { values, operands } = parse(args, { format: text, ...because }, ['FILE'])
    const [file = ''] = operands
    const { importAccounts } = await import('./cli/import.ts')
    return importAccounts(readConfig(), { file, format: formatOf(file, values.format) }, values)
  },
  async 'accounts add'(args) {
    const options = { password: text, 'password-stdin': yes, email: text, phone: text, mfa: yes, locale: text, test: yes, ...because }
    const { values, operands } = parse(args, options, ['IDENTIFIER'], { more: true })
    const { addAccount } = await import('./cli/accounts.ts')
    return addAccount(readConfig(), { ...values, identifiers: operands, passwordFromStdin: values['password-stdin'] === true }, values)
  },
  async 'accounts show'(args) {
    const { values, operands } = parse(args, { json: yes, ...because }, ['ID or IDENTIFIER'])
    const [who = ''] = operands
    const { showAccount } = await import('./cli/accounts.ts')
    return showAccount(readConfig(), { who, json: values.json === true }, values)
  },
  async 'accounts export'(args) {
    const { values, operands } = parse(args, { output: { type: 'string', short: 'o' }, ...because }, ['ID or IDENTIFIER'])
    const [who = ''] = operands
    const { exportAccount } = await import('./cli/export.ts')
    return exportAccount(readConfig(), { who, file: values.output }, values)
  },
  async 'accounts erase'(args) {
    const { values, operands } = parse(args, { yes, ...because }, ['ID or IDENTIFIER'])
    const [who = ''] = operands
    const { eraseAccount } = await import('./cli/erase.ts')
    return eraseAccount(readConfig(), { who, yes: values.yes === true }, values)
  },
  async 'audit session'(args) {
    const { values, operands } = parse(args, { ...replaying, ...because }, ['ID'])
    const { showSession } = await import('./cli/replays.ts')
    return showSession(readConfig(), operands[0] ?? '', { ...values, asOf: values['as-of'] }, values)
  },
  async 'audit account'(args) {
    const { values, operands } = parse(args, { ...replaying, ...because }, ['ID or IDENTIFIER'])
    const { showPerson } = await import('./cli/replays.ts')
    return showPerson(readConfig(), operands[0] ?? '', { ...values, asOf: values['as-of'] }, values)
  },
  async 'audit search'(args) {
    const { values } = parse(args, { from: text, to: text, type: text, outcome: text, reason: text, app: text, platform: text, limit: text, after: text, json: yes }, [])
    const { json = false, ...options } = values
    const { searchLog } = await import('./cli/replays.ts')
    return searchLog(readConfig(), options, json)
  },
  async 'projections status'(args) {
    parse(args, {}, [])
    const { projectionStatus } = await import('./cli/projections.ts')
    return projectionStatus(readConfig())
  },
  async 'projections rebuild'(args) {
    const all = args.includes('--all')
    const { operands } = parse(args, { all: yes }, all ? [] : ['NAME, or --all'])
    const { rebuildProjections } = await import('./cli/projections.ts')
    return rebuildProjections(readConfig(), operands[0])
  },
  async 'audit checkpoint'(args) {
    const { values } = parse(args, because, [])
    const { takeCheckpoint } = await import('./cli/audit.ts')
    return takeCheckpoint(readConfig(), values)
  },
  async 'audit prove'(args) {
    const { values, operands } = parse(args, { size: text }, ['STREAM', 'REVISION'])
    const [stream = '', revision = ''] = operands
    const { proveEvent } = await import('./cli/audit.ts')
    return proveEvent(readConfig(), stream, wholeNumber(revision, 'REVISION'), values.size === undefined ? undefined : wholeNumber(values.size, '--size'))
  },
  async 'audit prove-consistency'(args) {
    const { operands } = parse(args, {}, ['FROM', 'TO'])
    const [from = '', to = ''] = operands
    const { proveSizes } = await import('./cli/audit.ts')
    return proveSizes(readConfig(), wholeNumber(from, 'FROM'), wholeNumber(to, 'TO'))
  },
  async 'audit export'(args) {
    const { values } = parse(args, { session: text, account: text, since: text, all: yes, size: text, out: { type: 'string', short: 'o' } }, [])
    if (values.out === undefined) throw new Misuse('-o FOLDER or -o FILE.zip is needed')
    const { exportBundle } = await import('./cli/audit-export.ts')
    return exportBundle(readConfig(), askedOf(values), { out: values.out, size: values.size === undefined ? undefined : wholeNumber(values.size, '--size') })
  },
  async 'audit verify'(args) {
    const { values, operands } = parse(args, { key: text, checkpoint: text, consistency: text }, ['BUNDLE'])
    const { verifyOffline } = await import('./cli/audit.ts')
    return verifyOffline(operands[0] ?? '', values)
  },
  async 'log verify'(args) {
    const { values, operands } = parse(args, { key: text, checkpoint: text }, [], { optional: 'FILE' })
    const { verifyLog } = await import('./cli/log-verify.ts')
    return verifyLog(readConfig, operands[0], values)
  },
  async 'log backup'(args) {
    const { operands } = parse(args, {}, ['FILE'])
    const { backupLog } = await import('./cli/log-backup.ts')
    return backupLog(readConfig(), operands[0] ?? '')
  },
  async 'log restore'(args) {
    const { values, operands } = parse(args, { yes, ...because }, ['FILE'])
    const { restoreLog } = await import('./cli/log-restore.ts')
    return restoreLog(readConfig(), { file: operands[0] ?? '', yes: values.yes === true }, values)
  },
  async 'log copy'(args) {
    const { values } = parse(args, { to: text, ...because }, [])
    if (values.to === undefined) throw new Misuse('--to esdb://... is missing')
    const { moveLog } = await import('./cli/log-copy.ts')
    return moveLog(readConfig(), values.to, values)
  },
  async 'projections compare'(args) {
    const { values, operands } = parse(args, { with: text }, ['NAME'])
    const [name = ''] = operands
    const { compareProjection } = await import('./cli/projections.ts')
    return compareProjection(readConfig(), { name, version: values.with === undefined ? undefined : versionOf(values.with) })
  },
  async 'projections switch'(args) {
    const { values, operands } = parse(args, { hold: yes }, ['NAME', 'VERSION'])
    const [name = '', version = ''] = operands
    const { switchProjection } = await import('./cli/projections.ts')
    return switchProjection(readConfig(), { name, version: versionOf(version), hold: values.hold === true })
  },
  async 'projections drop'(args) {
    const { operands } = parse(args, {}, ['NAME', 'VERSION'])
    const [name = '', version = ''] = operands
    const { dropProjection } = await import('./cli/projections.ts')
    return dropProjection(readConfig(), { name, version: versionOf(version) })
  },
  async 'policy show'(args) {
    parse(args, {}, [])
    const { showPolicy } = await import('./cli/policy.ts')
    return showPolicy(readConfig())
  },
  async 'policy check'(args) {
    const { operands } = parse(args, {}, ['FILE'])
    const { checkPolicy } = await import('./cli/policy.ts')
    return checkPolicy(readConfig(), operands[0] ?? '')
  },
  async 'policy explain'(args) {
    const options = { account: text, app: text, platform: text, os: text, 'app-version': text, installation: text, settings: yes, 'screen-lock': text }
    const { values } = parse(args, options, [])
    if (values.account === undefined) throw new Misuse('--account is missing')
    const device = { osVersion: values.os, appVersion: values['app-version'], screenLock: { yes: true, no: false, unsaid: undefined }[oneOf('--screen-lock', values['screen-lock'], ['unsaid', 'yes', 'no'])] }
    const platform = oneOf('--platform', values.platform, ['ios', 'android', 'web'])
    const { explainPolicy } = await import('./cli/policy.ts')
    return explainPolicy(readConfig(), { who: values.account, app: values.app, platform, installation: values.installation, entryPoint: values.settings ? 'settings' : 'post_login', device })
  },
  async 'policy simulate'(args) {
    const { values, operands } = parse(args, { since: text, assume: text, json: yes }, ['FILE'])
    const assumes = oneOf('--assume', values.assume, ['declined', 'unanswered'])
    const { simulatePolicy } = await import('./cli/policy.ts')
    return simulatePolicy(readConfig(), { file: operands[0] ?? '', since: values.since, assumes, json: values.json === true })
  },
  async 'apps check'(args) {
    parse(args, {}, [])
    const { checkApps } = await import('./cli/apps.ts')
    return checkApps(readConfig())
  },
  async 'keys rotate'(args) {
    const { values } = parse(args, because, [])
    const { rotateMasterKey } = await import('./cli/rotate.ts')
    return rotateMasterKey(readConfig(), values)
  },
  async 'keys rotate-signing'(args) {
    const { values } = parse(args, because, [])
    const { rotateSigningKey } = await import('./cli/keys.ts')
    return rotateSigningKey(readConfig(), values)
  },
  async 'keys rotate-ledger'(args) {
    const { values } = parse(args, because, [])
    const { rotateLedgerKey } = await import('./cli/keys.ts')
    return rotateLedgerKey(readConfig(), values)
  },
  async 'keys new-backend'(args) {
    const { operands } = parse(args, {}, ['NAME'])
    const { newBackendKey } = await import('./cli/keys.ts')
    return newBackendKey(operands[0] ?? '')
  },
  async demo(args) {
    parse(args, {}, [])
    const { demo } = await import('./cli/demo.ts')
    await demo(console.log)
    return 0
  },
}

async function run(args: string[]): Promise<number> {
  const [noun = '', verb = ''] = args
  if (['help', '--help', '-h'].includes(noun)) {
    console.log(usage)
    return 0
  }
  const name = Object.keys(commands).find((one) => one === noun || one === `${noun} ${verb}`)
  if (name === undefined) throw new Misuse(noun === '' ? 'a command is needed' : `there is no command ${`${noun} ${verb}`.trim()}`)
  return commands[name]!(args.slice(name.split(' ').length))
}

/** `names`: of the operands that must be there; `more`: the last one may be repeated; `optional`: one more may be there. @throws Misuse */
function parse<T extends ParseArgsOptionsConfig>(args: string[], options: T, names: readonly string[], { more = false, optional }: { more?: boolean; optional?: string } = {}) {
  const { values, positionals: operands } = attempt(() => parseArgs({ args, options, allowPositionals: true }))
  const missing = names[operands.length]
  if (missing !== undefined) throw new Misuse(`${missing} is missing`)
  const most = names.length + (optional === undefined ? 0 : 1)
  if (operands.length > most && !more) throw new Misuse(`too much: ${operands.slice(most).join(' ')}`)
  return { values, operands }
}

/** The first one where nothing is given. @throws Misuse */
function oneOf<const T extends string>(option: string, given: string | undefined, words: readonly [T, ...T[]]): T {
  const found = given === undefined ? words[0] : words.find((word) => word === given)
  if (found === undefined) throw new Misuse(`${option} must be one of ${words.join(', ')}`)
  return found
}

function attempt<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const [sentence = ''] = (error as Error).message.split('. ')
    throw new Misuse(sentence)
  }
}

/** @throws Misuse */
function wholeNumber(written: string, name: string): number {
  if (!/^\d{1,15}$/.test(written)) throw new Misuse(`${name} must be a whole number`)
  return Number(written)
}

/** @throws Misuse */
function askedOf({ session, account, since, all }: { session?: string | undefined; account?: string | undefined; since?: string | undefined; all?: boolean | undefined }): Asked {
  const asked: Asked[] = []
  const [id, instant] = [/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, Date.parse(since ?? '')]
  if (session !== undefined) asked.push({ session: session.toLowerCase() })
  if (account !== undefined) asked.push({ account: account.toLowerCase() })
  for (const name of [session, account]) if (name !== undefined && !id.test(name.toLowerCase())) throw new Misuse(`${name} is not an id`)
  if (since !== undefined && Number.isNaN(instant)) throw new Misuse('--since takes a date, such as 2026-03-02 or 2026-03-02T08:00:00Z')
  if (since !== undefined) asked.push({ since: new Date(instant).toISOString() })
  if (all) asked.push({ all: true })
  const [one] = asked
  if (!one || asked.length > 1) throw new Misuse('one of --session, --account, --since and --all is needed')
  return one
}

function versionOf(given: string): number {
  if (!/^[1-9]\d{0,8}$/.test(given)) throw new Misuse(`${given} is not the number of a version`)
  return Number(given)
}

function formatOf(file: string, named: string | undefined): 'csv' | 'ndjson' {
  const format = named ?? /\.(csv|ndjson|jsonl)$/i.exec(file)?.[1]?.toLowerCase().replace('jsonl', 'ndjson')
  if (format !== 'csv' && format !== 'ndjson') throw new Misuse('--format csv or --format ndjson is needed: the name does not say it')
  return format
}

run(process.argv.slice(2))
  .catch((error: unknown) => {
    if (error instanceof Misuse) console.error(`${error.message}\n\n${usage}`)
    else console.error(error instanceof BadConfig ? error.message : `Not done: ${(error as Error).message}`)
    return error instanceof Misuse ? exitUsage : 1
  })
  // What was read of standard input may not be all of it; nothing waits for the rest.
  .then((code) => process.exit(code))
