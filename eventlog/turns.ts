/** Runs work that shares a name one after another, in the order of the calls; everything else at once. */
export type Turns = <T>(names: readonly string[], work: () => Promise<T>) => Promise<T>

export function createTurns(): Turns {
  const last = new Map<string, Promise<void>>()
  return (names, work) => {
    const before = names.flatMap((name) => last.get(name) ?? [])
    const turn = before.length > 0 ? Promise.all(before).then(work) : work()
    const leave = (): void => {
      for (const name of names) if (last.get(name) === over) last.delete(name)
    }
    const over = turn.then(leave, leave)
    for (const name of names) last.set(name, over)
    return turn
  }
}
