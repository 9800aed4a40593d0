/** Lets so many work at a time; whoever comes then waits, in the order in which they came. */
export function createAtOnce(most: number) {
  const waiting: (() => void)[] = []
  let working = 0
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (working < most) working += 1
    else await new Promise<void>((begin) => waiting.push(begin))
    try {
      return await work()
    } finally {
      // The place goes on to the next one, or is free.
      const next = waiting.shift()
      if (next) next()
      else working -= 1
    }
  }
}
