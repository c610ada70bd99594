import type { Terminal } from './terminal.ts'

/** One line about long work, on a terminal alone. */
export interface Progress {
  readonly show: (text: () => string) => void
  /** Removes the line. */
  readonly end: () => void
}

/** How often the line changes. */
const everyMs = 100

function progressOn({ stderr }: Terminal): Progress {
  if (stderr.isTTY !== true) return { show: () => undefined, end: () => undefined }
  let shownAt: number | undefined
  return {
    show: (text) => {
      const now = performance.now()
      if (shownAt !== undefined && now - shownAt < everyMs) return
      shownAt = now
      stderr.write(`\r\u001b[K${text().slice(0, (stderr.columns ?? 80) - 1)}`)
    },
    end: () => void (shownAt !== undefined && stderr.write('\r\u001b[K')),
  }
}

/** Runs work with a line about it, which is gone when the work ends. */
export async function withProgress<T>(terminal: Terminal, work: (progress: Progress) => Promise<T>): Promise<T> {
  const progress = progressOn(terminal)
  try {
    return await work(progress)
  } finally {
    progress.end()
  }
}
