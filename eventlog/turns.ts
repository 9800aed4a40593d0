/** Runs work that shares a name one after another, in the order of the calls; everything else at once. */
export type Turns = <T>(names: readonly string[], work: () => Promise<T>) => Promise<T>

export function createTurns(): Turns {
  const last = new Map<string, Promise<void>>()
  return (names, work) => {
    const turn = Promise.all(names.map((name) => last.get(name))).then(work)
    const over = turn.then(noop, noop).then(() => {
      for (const name of names) if (last.get(name) === over) last.delete(name)
    })
    for (const name of names) last.set(name, over)
    return turn
  }
}

const noop = (): void => {}
