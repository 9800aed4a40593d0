/** 95 % intervals of shares and of the difference between two of them. */

export type Interval = { low: number; high: number }
export type Sample = { numerator: number; denominator: number }

/** The 97.5 % quantile of the standard normal distribution. */
const z = 1.959963984540054

/** Of a share; `denominator` is not 0. E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927. */
export function wilson({ numerator, denominator: n }: Sample): Interval {
  const share = numerator / n
  const middle = share + (z * z) / (2 * n)
  const spread = z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n))
  const scale = 1 + (z * z) / n
  // Exact at both ends, where rounding would otherwise leave some 1e-17.
  return { low: numerator === 0 ? 0 : (middle - spread) / scale, high: numerator === n ? 1 : (middle + spread) / scale }
}

/** Of `one` less `other`. R. G. Newcombe, "Interval estimation for the difference between independent proportions", 1998, method 10. */
export function newcombe(one: Sample, other: Sample): Interval & { value: number } {
  const [p1, p2] = [one.numerator / one.denominator, other.numerator / other.denominator]
  const [w1, w2] = [wilson(one), wilson(other)]
  const value = p1 - p2
  return { value, low: value - Math.hypot(p1 - w1.low, w2.high - p2), high: value + Math.hypot(w1.high - p1, p2 - w2.low) }
}
