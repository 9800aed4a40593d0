/** E-mail over SMTP, with connections kept open between messages. */
import type { ConnectionOptions } from 'node:tls'
import { createTransport } from 'nodemailer'
import { type Carrier, defaultTimeoutMs, fault, type Receipt, withinLimit } from './delivery.ts'
import type { Templates } from './templates.ts'
import type { Post } from './witnesses.ts'

export type EmailOptions = {
  /** `smtp://user:pass@host:port` (STARTTLS, port 587 by default) or `smtps://` (TLS from the start, 465). User and password percent-encoded. */
  url: string
  /** `Acme <no-reply@acme.example>` */
  from: string
  templates: Templates
  /** For one message, from the wait for a connection to the server's last answer. */
  timeoutMs?: number
  /** Lets codes and credentials travel in the clear where the server has no TLS: for a relay on the same host or network. */
  plaintext?: boolean
  tls?: ConnectionOptions
}

/** A carrier that holds connections. `close` lets go of them, and lets the process end. */
export type EmailCarrier = Carrier & { post: Post; close(): void }

/**
 * The Message-ID is made from the message's id, so that a repeat is recognizable.
 * @throws TypeError or URIError for a bad `url` or `from`, here and not when a message is sent
 */
export function createEmail({ url, from, templates, timeoutMs = defaultTimeoutMs, plaintext = false, tls }: EmailOptions): EmailCarrier {
  const domain = /@([^@\s>]+)>?$/.exec(from)?.[1]
  if (!domain) throw new TypeError('the sender must be an e-mail address')
  const transport = createTransport({
    pool: true,
    ...parseServer(url),
    requireTLS: !plaintext,
    tls,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const send: Carrier = (message, signal) =>
    withinLimit(timeoutMs, signal, async limit => {
      if (!mailbox.test(message.to)) return fault('refused')
      const { locale, subject, text, html } = templates.email(message)
      const sent = transport.sendMail({
        messageId: `<${message.id}@${domain}>`,
        from,
        to: { name: '', address: message.to },
        subject,
        text,
        html,
        // RFC 3834, section 5: no holiday notes in return.
        headers: { 'Auto-Submitted': 'auto-generated', 'Content-Language': locale },
        signal: limit,
      })
      return sent.then(info => ({ delivered: true, carrierId: info.serverMessageId ?? info.messageId }), judge)
    })
  const post: Post = ({ id, to, subject, text }, signal) =>
    withinLimit(timeoutMs, signal, async limit => {
      if (!mailbox.test(to)) return fault('refused')
      const letter = { messageId: `<${id}@${domain}>`, from, to: { name: '', address: to }, subject, text, headers: { 'Auto-Submitted': 'auto-generated' }, signal: limit }
      return transport.sendMail(letter).then(info => ({ delivered: true, carrierId: info.messageId }), judge)
    })
  return Object.assign(send, { post, close: () => transport.close() })
}

/** One plain address (RFC 5321, section 4.1.2, Dot-string; RFC 6531). What could read as a list, a comment or a header line is no address. */
const mailbox = /^[^\s\p{C}<>()[\]\\,;:"@]+@[^\s\p{C}<>()[\]\\,;:"@]+$/u

/** By hand, since nodemailer would take any of its options (a logger, say) from the URL's query. The error does not repeat the URL's secret. */
function parseServer(text: string) {
  const url = URL.parse(text)
  if (!url?.hostname || !/^smtps?:$/.test(url.protocol)) throw new TypeError('the mail server must be smtp://user:pass@host:port or smtps://...')
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    // 0 stands for the default.
    port: Number(url.port),
    secure: url.protocol === 'smtps:',
    auth: url.username ? { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } : undefined,
  }
}

/** From nodemailer's codes and the server's (RFC 5321, section 4.2.1: 4yz may pass later, 5yz will not), since the texts hold addresses. */
function judge(error: { code?: string; originalCode?: string; responseCode?: number; permanent?: boolean }): Receipt {
  if (error.responseCode && !error.permanent) return fault('busy')
  if (error.responseCode === 530) return fault('rejected_credentials')
  switch (error.code) {
    case 'EAUTH':
      return fault('rejected_credentials')
    case 'EENVELOPE':
    case 'EMESSAGE':
      return fault('refused')
    case 'ETLS':
      return fault('untrusted')
    case 'ESOCKET':
      // Node's own code tells a certificate that is not trusted from a connection that failed.
      return fault(/CERT|SIGNATURE|^ERR_(SSL|TLS)/.test(error.originalCode ?? '') ? 'untrusted' : 'unreachable')
    case 'ETIMEDOUT':
      return fault('timeout')
    case 'ECONNECTION':
    case 'EDNS':
    case 'EPROTOCOL':
      return fault('unreachable')
    default:
      return fault('failed')
  }
}
