import type { Pool } from 'pg'

/** What a load of queries saw. */
export interface QueryLoad {
  readonly latenciesMs: readonly number[]
  /** The SQLSTATE, or what else the error says, of each query that failed. */
  readonly failures: readonly string[]
  /** Resolves when every query that was begun has ended. */
  readonly stop: () => Promise<void>
}

const perSecond = 500
const tickMs = 10

/** Begins 500 queries a second, whether or not those before have ended. */
export function startQueries(pool: Pick<Pool, 'query'>): QueryLoad {
  const latenciesMs: number[] = []
  const failures: string[] = []
  const open = new Set<Promise<void>>()
  const startedAt = performance.now()
  let begun = 0
  const query = async (): Promise<void> => {
    const askedAt = performance.now()
    try {
      await pool.query('SELECT 1')
    } catch (error) {
      failures.push(reasonOf(error))
    }
    latenciesMs.push(performance.now() - askedAt)
  }
  const timer = setInterval(() => {
    for (const due = ((performance.now() - startedAt) / 1_000) * perSecond; begun < due; begun += 1) {
      const each = query().finally(() => open.delete(each))
      open.add(each)
    }
  }, tickMs)
  const stop = async (): Promise<void> => {
    clearInterval(timer)
    await Promise.all(open)
  }
  return { latenciesMs, failures, stop }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no error'
  return 'code' in error ? String(error.code) : error.message
}

/** The time within which 99 of 100 queries ended. */
export function p99(latenciesMs: readonly number[]): number {
  return latenciesMs.toSorted((one, other) => one - other).at(Math.ceil(latenciesMs.length * 0.99) - 1) ?? 0
}
