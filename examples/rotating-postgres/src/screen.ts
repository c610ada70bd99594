export interface Sight {
  readonly queries: number
  readonly failed: number
  readonly version: number | undefined
}

export interface Line {
  readonly rotated: (version: number | undefined) => void
  readonly stop: () => void
}

const frameMs = 100

/** On a terminal one line that changes; elsewhere one line for each rotation. */
export function startLine(look: () => Sight): Line {
  const startedAt = performance.now()
  let rotations = 0
  let stored: number | undefined
  const text = (): string => {
    const { queries, failed, version } = look()
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
    const counts = `${seconds.padStart(5)} s   ${queries} queries   ${failed} failed   ${rotations} rotations`
    return `${counts}   version in use: ${version ?? '-'}   stored: ${stored ?? '-'}`
  }
  const { isTTY } = process.stdout
  const draw = (): boolean => process.stdout.write(isTTY ? `\r\u{1b}[K${text()}` : `${text()}\n`)
  const timer = isTTY ? setInterval(draw, frameMs) : undefined
  return {
    rotated: (version) => {
      rotations += 1
      stored = version
      draw()
    },
    stop: () => {
      clearInterval(timer)
      draw()
      if (isTTY) process.stdout.write('\n')
    },
  }
}
