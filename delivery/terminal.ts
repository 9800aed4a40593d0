import type { Carrier, Message } from './delivery.ts'

/** The embedded default: shows the code on the terminal, and says plainly that it was not sent. `print` gets one line a message. */
export function createTerminal(print: (line: string) => void): Carrier {
  return async message => {
    print(describe(message).replace(unprintable, ''))
    return { delivered: true, carrierId: 'terminal' }
  }
}

function describe({ channel, to, app, ...message }: Message): string {
  const what = message.template === 'otp' ? `the code is ${message.code}, valid for ${message.validMinutes} min` : message.template
  return `No ${channel} was sent, it is shown here instead: ${app.name}, to ${to.replace(hidden, '$1…')}: ${what}`
}

/** Enough to tell two people apart (`a…@example.com`, `…321`), since terminals end up in logs. */
const hidden = /^(.).*(?=@)|^.*(?=...$)/su

/** Control characters and invisible ones: an address must not steer the terminal. */
const unprintable = /\p{C}/gu
