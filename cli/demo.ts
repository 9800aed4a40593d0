/** `npm run demo`: three logins against an engine of their own, over real HTTP; first the steps as they happen, then the streams that they left. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../config.ts'
import type { Carrier } from '../delivery/delivery.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import { startKeyledger } from '../main.ts'
import { createAuthenticator } from '../stories/authenticator.ts'
import { createClient, type Client, type Reply } from '../stories/app.ts'

const password = 'correct horse battery staple'

export async function demo(print: (line: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'keyledger-demo-'))
  const codes = new Map<string, string>()
  const deliver: Carrier = async ({ to, code = '' }) => {
    codes.set(to, code)
    return { delivered: true }
  }
  const keyledger = await startKeyledger(readConfig({ PORT: '0', KEYLEDGER_DATA: folder }), { deliver, patience: 20_000 })
  try {
    await keyledger.ready
    const { url, engine, log } = keyledger
    print(`An engine of its own listens on ${url}; its data is in ${folder} and goes when this ends.`)
    const told = tell(log, print)

    const begin = async (email: string): Promise<Client> => {
      await engine.accounts.register({ source: 'added', identifiers: [email], password: { plain: password } }, 'cli:demo')
      return createClient({ url, app: 'demo', origin: 'https://localhost', installation: randomUUID() })
    }

    print('\nAda signs in with her password and creates a passkey')
    const phone = createAuthenticator()
    const ada = await begin('ada@example.com')
    await told('identifier', ada.start('ada@example.com'))
    await told('password', ada.password(password))
    await told('passkey created on the device', ada.createPasskey(phone))
    await told('a code by e-mail', ada.otpSend('email'))
    await told('the code', ada.otp(codes.get('ada@example.com') ?? ''))
    await told('a PIN, kept on the device', ada.pin())
    await told('biometrics on', ada.biometrics(true))

    print('\nAda comes back: the passkey alone')
    await told('identifier', ada.start('ada@example.com'))
    await told('passkey', ada.usePasskey(phone))

    print('\nBob says: not now')
    const bob = await begin('bob@example.com')
    await told('identifier', bob.start('bob@example.com'))
    await told('a wrong password', bob.password('correct horse battery stable'))
    await told('password', bob.password(password))
    await told('not now', bob.appendSkip('declined'))
    await told('a code by e-mail', bob.otpSend('email'))
    await told('the code', bob.otp(codes.get('bob@example.com') ?? ''))
    await told('no PIN', bob.pinSkip())
    await told('biometrics off', bob.biometrics(false))

    print('\nThe streams that they left. Who it was about is sealed.')
    await printStreams(log, print)
  } finally {
    await keyledger.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const prefixes = ['session-', 'account-', 'tokens-']

/** Says a step, how it was answered, and the events that it wrote, in log order. */
function tell(log: EventLog, print: (line: string) => void) {
  let seen: string | undefined
  return async (step: string, answer: Promise<Reply>): Promise<void> => {
    const { status, body } = await answer
    print(`  ${step}: ${status}${body.code ? ` ${body.code}` : ''}`)
    for await (const { stream, type, position } of log.readAll({ after: seen, prefixes })) {
      print(`      ${type}  (${stream.slice(0, stream.indexOf('-') + 9)})`)
      seen = position
    }
  }
}

async function printStreams(log: EventLog, print: (line: string) => void): Promise<void> {
  const streams = new Map<string, string[]>()
  for await (const { stream, revision, type, data, metadata } of log.readAll({ prefixes })) {
    const shown = JSON.stringify(data).replaceAll(/"[ap]1\.[^"]*"/g, '"(sealed)"')
    const line = `    ${String(revision).padStart(2)}  ${metadata.at}  ${type}  ${shown}`
    streams.set(stream, [...(streams.get(stream) ?? []), line])
  }
  for (const [stream, lines] of streams) print([`\n  ${stream}`, ...lines].join('\n'))
}
