/** One line on a terminal that tells how far a long command is; nothing where stderr is no terminal. */
const width = 30
const everyMs = 200

/** `share`: how much is done, 0 to 1; undefined where nobody can tell. */
export type State = { done: number; share: number | undefined }

export function showProgress(noun: string, state: () => State, now: () => number = () => performance.now()) {
  const began = now()
  const draw = () => process.stderr.write(`\r\x1b[2K${progressLine(noun, state(), (now() - began) / 1000)}`)
  const timer = process.stderr.isTTY ? setInterval(draw, everyMs) : undefined
  return {
    /** Prints a line above the bar. */
    print(line: string): void {
      process.stderr.write(`${timer ? '\r\x1b[2K' : ''}${line}\n`)
    },
    end(): void {
      if (!timer) return
      clearInterval(timer)
      draw()
      process.stderr.write('\n')
    },
  }
}

/** `seconds`: since it began. */
export function progressLine(noun: string, { done, share }: State, seconds: number): string {
  const speed = `${done} ${noun}, ${Math.round(done / Math.max(seconds, 0.001))}/s`
  if (share === undefined) return speed
  const filled = Math.round(width * share)
  const left = share > 0 ? `${Math.ceil((seconds / share) * (1 - share))} s left` : ''
  return `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${Math.floor(share * 100)} %  ${speed}  ${left}`.trimEnd()
}
