/** The same engine from a terminal. It works beside a running one. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { Misuse } from './cli/misuse.ts'
import { BadConfig, readConfig } from './config.ts'

const usage = `Usage: npm run --silent cli -- COMMAND

  accounts import FILE                  people from FILE.csv or FILE.ndjson; - is standard input
      --format csv|ndjson               where the name does not say it
      columns: email, phone, username, password_hash, mfa, locale, test
  accounts add IDENTIFIER ...           an e-mail address, a phone number, a username
      --password TEXT | --password-stdin
      --email ADDRESS --phone NUMBER    where codes go, if not to the identifiers
      --mfa --locale de --test
  accounts show ID|IDENTIFIER [--json]

  projections status
  projections rebuild NAME|--all        while the engine serves
  projections compare NAME              what differs from the log? Nothing is written
      --with VERSION                    or from the table of another version
  projections switch NAME VERSION       readers take that version's table
      --hold                            and keep it when a newer one has caught up
  projections drop NAME VERSION         an older table, kept for a way back

  apps check                            do the apps' domains publish what is registered?
  keys rotate-signing                   a new key for access tokens
  keys new-backend NAME                 a key for the service API, and what the configuration says of it
  demo                                  three logins against an engine of their own`

/** sysexits.h: the command was used incorrectly. */
const exitUsage = 64

const text = { type: 'string' } as const
const yes = { type: 'boolean' } as const

// What a command needs is loaded when it is given.
const commands: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  async 'accounts import'(args) {
    const { values, operands } = parse(args, { format: text }, ['FILE'])
    const [file = ''] = operands
    const { importAccounts } = await import('./cli/import.ts')
    return importAccounts(readConfig(), { file, format: formatOf(file, values.format) })
  },
  async 'accounts add'(args) {
    const options = { password: text, 'password-stdin': yes, email: text, phone: text, mfa: yes, locale: text, test: yes }
    const { values, operands } = parse(args, options, ['IDENTIFIER'], { more: true })
    const { addAccount } = await import('./cli/accounts.ts')
    return addAccount(readConfig(), { ...values, identifiers: operands, passwordFromStdin: values['password-stdin'] === true })
  },
  async 'accounts show'(args) {
    const { values, operands } = parse(args, { json: yes }, ['ID or IDENTIFIER'])
    const [who = ''] = operands
    const { showAccount } = await import('./cli/accounts.ts')
    return showAccount(readConfig(), { who, json: values.json === true })
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
  async 'apps check'(args) {
    parse(args, {}, [])
    const { checkApps } = await import('./cli/apps.ts')
    return checkApps(readConfig())
  },
  async 'keys rotate-signing'(args) {
    parse(args, {}, [])
    const { rotateSigningKey } = await import('./cli/keys.ts')
    return rotateSigningKey(readConfig())
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

/** `names`: of the operands that must be there; `more`: the last one may be repeated. @throws Misuse */
function parse<T extends ParseArgsOptionsConfig>(args: string[], options: T, names: readonly string[], { more = false } = {}) {
  const { values, positionals: operands } = attempt(() => parseArgs({ args, options, allowPositionals: true }))
  const missing = names[operands.length]
  if (missing !== undefined) throw new Misuse(`${missing} is missing`)
  if (operands.length > names.length && !more) throw new Misuse(`too much: ${operands.slice(names.length).join(' ')}`)
  return { values, operands }
}

function attempt<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const [sentence = ''] = (error as Error).message.split('. ')
    throw new Misuse(sentence)
  }
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
