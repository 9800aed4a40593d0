/** The same engine from a terminal. It works beside a running one. */
import { parseArgs } from 'node:util'
import { addAccount, importAccounts, showAccount } from './cli/accounts.ts'
import { demo } from './cli/demo.ts'
import { rotateSigningKey } from './cli/keys.ts'
import { projectionStatus, rebuildProjections } from './cli/projections.ts'
import { readConfig, BadConfig } from './config.ts'

const usage = `Usage: npm run --silent cli -- COMMAND

  accounts import FILE                  people from FILE.csv or FILE.ndjson; - for standard input
      --format csv|ndjson               where the name does not say it
      columns: email, phone, username, password_hash, mfa, locale, test
  accounts add IDENTIFIER ...           an e-mail address, a phone number, a username
      --password TEXT | --password-stdin
      --email ADDRESS --phone NUMBER    where codes go, if not to the identifiers
      --mfa --locale de --test
  accounts show ID|IDENTIFIER [--json]

  projections status
  projections rebuild NAME|--all        while the engine serves

  keys rotate-signing                   a new key for access tokens
  demo                                  two logins against an engine of their own`

/** The command is not one that can be carried out as it was given. */
export class Misuse extends Error {}

/** sysexits.h: the command was used incorrectly. */
const exitUsage = 64

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse(args)
  const [noun, verb, ...rest] = positionals
  const [first] = rest
  switch (`${noun ?? ''} ${verb ?? ''}`.trim()) {
    case 'accounts import':
      return importAccounts(readConfig(), { file: given(first, 'FILE'), format: values.format })
    case 'accounts add':
      given(first, 'IDENTIFIER')
      return addAccount(readConfig(), { ...values, identifiers: rest, passwordFromStdin: values['password-stdin'] === true })
    case 'accounts show':
      return showAccount(readConfig(), { who: given(first, 'ID or IDENTIFIER'), json: values.json === true })
    case 'projections status':
      return projectionStatus(readConfig())
    case 'projections rebuild':
      return rebuildProjections(readConfig(), values.all ? undefined : given(first, 'NAME, or --all'))
    case 'keys rotate-signing':
      return rotateSigningKey(readConfig())
    case 'demo':
      await demo(console.log)
      return 0
    default:
      throw new Misuse(noun ? `there is no command "${[noun, verb].filter(Boolean).join(' ')}"` : 'a command is needed')
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        format: { type: 'string' },
        password: { type: 'string' },
        'password-stdin': { type: 'boolean' },
        email: { type: 'string' },
        phone: { type: 'string' },
        mfa: { type: 'boolean' },
        locale: { type: 'string' },
        test: { type: 'boolean' },
        json: { type: 'boolean' },
        all: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new Misuse((error as Error).message)
  }
}

function given(argument: string | undefined, name: string): string {
  if (argument === undefined) throw new Misuse(`${name} is missing`)
  return argument
}

run(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    if (error instanceof Misuse) {
      console.error(`${error.message}\n\n${usage}`)
      process.exitCode = exitUsage
      return
    }
    console.error(error instanceof BadConfig ? error.message : `Not done: ${(error as Error).message}`)
    process.exitCode = 1
  },
)
