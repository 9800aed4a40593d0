/** A mail server that keeps what it takes, by address, and looks at once whether it had the same message before. */
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'

export type Mail = { id: string; to: string; code: string | undefined }
/** What the server does with a message: takes it, or whatever it likes. */
export type Manner = (mail: Mail) => Promise<'take' | 'refuse' | 'later'>

export type Mailbox = Awaited<ReturnType<typeof openMailbox>>

/** `again`: the same Message-ID was taken before. It is called before the message is answered. */
export async function openMailbox({ again = () => {} }: { again?: (mail: Mail, before: Mail) => void | Promise<void> } = {}) {
  const taken = new Map<string, Mail>()
  const byAddress = new Map<string, Mail[]>()
  let doubles = 0
  let manner: Manner = async () => 'take'

  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    disableReverseLookup: true,
    async onData(stream, { envelope }, done) {
      const raw = await text(stream).catch(() => undefined)
      const id = raw && /^Message-ID: <([^@>]+)@/im.exec(raw)?.[1]
      // The dialogue broke off in the middle.
      if (raw === undefined || id === undefined) return done(new Error('no message'))
      const mail: Mail = { id, to: envelope.rcptTo[0]?.address ?? '', code: /^(\d{6,8})\r?$/m.exec(raw)?.[1] }
      const how = await manner(mail)
      if (how !== 'take') return done(Object.assign(new Error(how), { responseCode: how === 'later' ? 451 : 550 }))
      const before = taken.get(id)
      if (before) {
        doubles += 1
        await again(mail, before)
      }
      taken.set(id, mail)
      const address = mail.to.toLowerCase()
      byAddress.set(address, [...(byAddress.get(address) ?? []), mail])
      done()
    },
  })
  server.on('error', () => {})
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))

  return {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    at: (address: string): readonly Mail[] => byAddress.get(address.toLowerCase()) ?? [],
    /** The last code that came to the address. */
    codeAt: (address: string): string | undefined => byAddress.get(address.toLowerCase())?.findLast(({ code }) => code !== undefined)?.code,
    taken: (): number => taken.size,
    doubles: (): number => doubles,
    setManner: (next: Manner) => void (manner = next),
    close: () => new Promise<void>((closed) => server.close(() => closed())),
  }
}
