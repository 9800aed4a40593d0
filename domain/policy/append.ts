/** When a passkey is offered, to whom and how often: the part of the policy that product people change. What is left out has a default. */
import { z } from 'zod'
import { OfferMode, Platform } from '../session/vocabulary.ts'
import { Version } from './versions.ts'

/** Past offers that a decision looks at: no cap counts further back. */
export const offersLookedAt = 64

const Hours = z.number().min(0).max(87_600)
const Times = z.int().min(1).max(offersLookedAt - 1)
/** Names in a stored policy; a change of one draws all lots anew. */
const Salt = z.string().min(1).max(64)
/** From this version on, and below that one. */
const Range = z.strictObject({ from: Version.optional(), below: Version.optional() })

/** What a device must have. Of a version that is not said, or cannot be read, every range is taken to hold it. */
const Eligibility = z.strictObject({
  /** One of these; all, where none is named. */
  os: z.array(Range).max(16).default([]),
  app: z.array(Range).max(16).default([]),
  /** The device must say that it has a screen lock; otherwise it is enough that it does not deny it. */
  screenLock: z.boolean().default(false),
})
export type Eligibility = z.infer<typeof Eligibility>

const Variant = z.strictObject({ name: z.string().min(1).max(64), weight: z.number().min(0).max(1_000_000), mode: OfferMode.exclude(['conditional']).optional() })
export type Variant = z.infer<typeof Variant>

export const AppendPolicy = z.strictObject({
  enabled: z.boolean().default(true),
  /** `automatic`: the app opens the system's prompt without a screen of its own. */
  mode: OfferMode.exclude(['conditional']).default('manual'),
  /** Where the password was filled in by a credential manager: create the passkey without asking, if the platform can. */
  conditional: z.boolean().default(false),
  /** No offer there, in the settings neither, until it is taken out again. */
  killSwitch: z.strictObject({ platforms: z.array(Platform).default([]), apps: z.array(z.string().max(64)).default([]) }).prefault({}),
  devices: z.partialRecord(Platform, Eligibility.prefault({})).default({}),
  /** Per cent of the accounts that are asked. Whoever is in stays in as it grows. */
  rollout: z.strictObject({ percent: z.number().min(0).max(100).default(100), salt: Salt.default('rollout') }).prefault({}),
  /** An A/B test: which share of the people is asked how. An account keeps its variant while names, weights and salt stay. */
  variants: z
    .strictObject({
      salt: Salt.default('variants'),
      of: z
        .array(Variant)
        .max(16)
        .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'must not name two variants alike')
        .refine((all) => all.length === 0 || all.some(({ weight }) => weight > 0), 'must have a variant with a weight')
        .default([]),
    })
    .prefault({}),
  /** Hours without an offer after one that ended so. `unanswered`: nothing more was heard of it; it counts towards the caps. */
  coolDownHours: z
    .strictObject({
      declined: Hours.default(168),
      cancelled: Hours.default(24),
      notShown: Hours.default(24),
      failed: Hours.default(4),
      unanswered: Hours.default(0),
    })
    .prefault({}),
  /** At most so many offers. `inARow`: since the last passkey, if any. Null: as many as come. */
  caps: z
    .strictObject({
      inARow: Times.nullable().default(10),
      perWeek: Times.nullable().default(3),
      lifetime: z.int().min(1).max(10_000).nullable().default(null),
    })
    .prefault({}),
  /** After so many offers without a passkey, none for so many days; then as many again. */
  pause: z
    .strictObject({ after: Times, days: z.number().min(1).max(3_650) })
    .nullable()
    .default({ after: 3, days: 30 }),
})
export type AppendPolicy = z.infer<typeof AppendPolicy>
