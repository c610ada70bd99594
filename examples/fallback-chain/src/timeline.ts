import type { Read } from './read-load.ts'
import { type Mark, scene, sight } from './screen.ts'

/** Prints what happens, and how reads are answered whenever that changes. */
export interface Timeline {
  readonly begin: (text: string) => void
  readonly saw: (read: Read) => void
  readonly tell: (mark: Mark, what: string, tookMs: number, meaning: string) => void
  readonly elapsedMs: () => number
}

const meanings: Readonly<Record<string, string>> = {
  aws: 'AWS itself, the first of the chain',
  'aws, stale': 'what AWS said last, from memory',
  'vault, degraded': 'the second store, for want of AWS',
  'vault, stale, degraded': 'what Vault said last, from memory',
  'local, degraded': 'the third store, on this machine',
}

export function startTimeline(): Timeline {
  const startedAt = performance.now()
  const elapsedMs = (): number => performance.now() - startedAt
  /** What the scene has shown already; at its beginning what the one before it ended with. */
  let shown: readonly string[] = []
  const tell = (mark: Mark, what: string, tookMs: number, meaning: string): void => {
    sight(elapsedMs(), mark, what, `${Math.round(tookMs)} ms`, meaning)
  }
  return {
    elapsedMs,
    tell,
    begin: (text) => {
      shown = shown.slice(-1)
      scene(elapsedMs(), text)
    },
    saw: ({ outcome, tookMs }) => {
      if (shown.includes(outcome)) return
      shown = [...shown, outcome]
      const mark = outcome === 'aws' ? 'ok' : outcome in meanings ? 'note' : 'no'
      tell(mark, outcome, tookMs, meanings[outcome] ?? '')
    },
  }
}
