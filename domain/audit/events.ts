/**
 * The storage format of `audit-<uuid>`: what was done to the log and its secrets by those who run it, a stream for each act.
 * A name written to disk stays for ever; review this file as one reviews a migration.
 */
import { z } from 'zod'
import { clear, event, type EventOf, type Fact } from '../event.ts'

export const auditEvents = {
  OperatorActed: event('Somebody was about to do this, or to look at it, and why. It is written before, so it does not imply that it came about.', {
    who: clear(z.string().min(1).max(255)),
    what: clear(z.string().min(1).max(64)),
    /** In the words of `who`. It stays when the person whom it is about is forgotten, so it must not say who that is. */
    why: clear(z.string().min(1).max(512)),
    /** What it was done to: the name of a stream, such as `account-<uuid>`, or the fingerprint of a master key. */
    subject: clear(z.string().min(1).max(128).optional()),
    /** Of one event of the stream that `subject` names. */
    revision: clear(z.int().nonnegative().optional()),
    /** The sealed fields that were opened, by their names. Left out where it was no look, or at all there is. */
    fields: clear(z.array(z.string().max(128)).max(64).optional()),
  }),
  KeysRewrapped: event('Every key that the log had was wrapped under this master key at that moment, and under no other any more. It does not imply that the same is so in its backups.', {
    /** Fingerprints, as they stand in `key-<uuid>`. */
    master: clear(z.string().max(64)),
    rewrapped: clear(z.int().nonnegative()),
    /** Nothing is wrapped under these any more. */
    retired: clear(z.array(z.string().max(64))),
  }),
  PeriodDropped: event('What aged in this month is no longer kept: addresses, user agents, device models, and identifiers as they were typed. It is written before, so it does not imply that the key is gone by now.', {
    period: clear(z.string().regex(/^\d{4}-\d{2}$/)),
    /** Of how many months the rule was that demanded it. */
    months: clear(z.int().positive()),
  }),
}
export type AuditEvent = EventOf<typeof auditEvents>

/** The facts of one act, in their order. */
export type AuditState = readonly Fact<AuditEvent>[]

export const evolve = (before: AuditState = [], fact: Fact<AuditEvent>): AuditState => [...before, fact]
