/** What went wrong in the year, so that an analyst has something to find. */
import type { Calendar } from './calendar.ts'
import { brokenRelease } from './platforms.ts'

export type Incidents = {
  /** A release of the app whose associated domain was not the right one: most creations fail, with Apple's code for it. */
  creationFails(platform: string, appVersion: string): { code: string; share: number } | undefined
  /** The carrier of text messages takes none. */
  smsAway(at: number): boolean
  /** The projection database is out of reach: nobody is offered anything. */
  historyAway(at: number): boolean
}

const hours = (count: number): number => count * 3_600_000

export function createIncidents(calendar: Calendar): Incidents {
  const during = (share: number, length: number) => {
    const from = calendar.moment(share)
    return (at: number): boolean => at >= from && at < from + length
  }
  const broken = { code: '1004', share: 0.8 }
  return {
    creationFails: (platform, appVersion) => (platform === brokenRelease.platform && appVersion === brokenRelease.version ? broken : undefined),
    smsAway: during(0.37, hours(38)),
    historyAway: during(0.71, hours(9)),
  }
}
