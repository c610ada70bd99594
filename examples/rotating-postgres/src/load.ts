import type { RotatingPool } from './pool.ts'

export interface Load {
  readonly counts: { readonly queries: number; readonly failed: number }
  readonly stop: () => Promise<void>
}

const pauseMs = 20

/** Begins four queries every 20 ms, whether or not those before have ended. */
export function startQueries(pool: RotatingPool): Load {
  const counts = { queries: 0, failed: 0 }
  const open = new Set<Promise<void>>()
  const query = async (): Promise<void> => {
    try {
      await pool.query('SELECT 1')
    } catch {
      counts.failed += 1
    }
    counts.queries += 1
  }
  const timer = setInterval(() => {
    for (let n = 0; n < 4; n += 1) {
      const each = query().finally(() => open.delete(each))
      open.add(each)
    }
  }, pauseMs)
  const stop = async (): Promise<void> => {
    clearInterval(timer)
    await Promise.all(open)
  }
  return { counts, stop }
}
