/** When people sign in: seasons, weekdays, hours, holidays, and more of them as the year goes on. */

const hour = 3_600_000
const day = 24 * hour
/** People live one hour ahead of UTC; daylight saving changes nothing that an analyst would see. */
const offset = hour

const byHour = [2, 1, 1, 1, 1, 2, 6, 12, 16, 15, 13, 12, 13, 12, 11, 11, 12, 14, 17, 20, 21, 17, 11, 5]
/** From Sunday on. */
const byWeekday = [0.8, 1.2, 1.1, 1.05, 1.05, 1, 0.8]
/** From January on: the sales, a summer away, the weeks before Christmas. */
const byMonth = [1.1, 0.95, 0.95, 0.95, 1, 0.95, 0.85, 0.8, 1, 1.05, 1.2, 1.3]
const quietDays = new Set(['12-24', '12-25', '12-26', '12-31', '01-01', '05-01'])

export type Calendar = {
  /** ms since the epoch, as all moments here. */
  from: number
  until: number
  /** The moment when so much of the year is over, 0 to 1. */
  moment(share: number): number
  /** Hours of usual business from one moment to the end of the year. */
  hoursLeft(at: number): number
  /** The moment at which so many hours of usual business have passed; after the end of the year where they do not. */
  after(at: number, hours: number): number
}

/** How busy the hour is; 1 is usual. */
function business(at: number, share: number): number {
  const there = new Date(at + offset)
  const date = there.toISOString().slice(5, 10)
  const month = byMonth[there.getUTCMonth()] as number
  const weekday = byWeekday[there.getUTCDay()] as number
  const inDay = ((byHour[there.getUTCHours()] as number) * 24) / 246
  // The last Friday of November and the days around it.
  const sales = date >= '11-22' && date <= '11-30' ? 1.35 : 1
  return month * weekday * inDay * sales * (quietDays.has(date) ? 0.5 : 1) * (0.8 + 0.4 * share)
}

export function createCalendar(until: Date): Calendar {
  const end = until.getTime()
  const from = end - 365 * day
  /** Hours of usual business since the beginning, at the end of each hour. */
  const passed = new Float64Array(365 * 24 + 1)
  for (let index = 0; index < 365 * 24; index += 1) passed[index + 1] = (passed[index] as number) + business(from + index * hour, index / (365 * 24))
  const at = (index: number): number => passed[index] as number
  const last = 365 * 24

  const businessUntil = (moment: number): number => {
    const place = Math.min(last, Math.max(0, (moment - from) / hour))
    const index = Math.min(last - 1, Math.floor(place))
    return at(index) + (at(index + 1) - at(index)) * (place - index)
  }
  return {
    from,
    until: end,
    moment: (share) => Math.round(from + share * (end - from)),
    hoursLeft: (moment) => at(last) - businessUntil(moment),
    after(moment, hours) {
      const wanted = businessUntil(moment) + hours
      if (wanted >= at(last)) return end
      let [low, high] = [0, last]
      while (high - low > 1) {
        const middle = (low + high) >> 1
        if (at(middle) <= wanted) low = middle
        else high = middle
      }
      return Math.round(from + (low + (wanted - at(low)) / (at(high) - at(low))) * hour)
    },
  }
}
