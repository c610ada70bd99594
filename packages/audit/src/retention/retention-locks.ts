import { join } from 'node:path'
import { FileLock } from '../file/file-lock.ts'

/** Longer than what is done under either lock takes. */
const patienceMs = 60_000

/**
 * One process at a time decides by the holds of a trail, and writes what it decided: a hold begins or
 * ends, a removal or an erasure is recorded. `root` is the first folder. Throws `AUDIT_FAILED` if others
 * keep the lock for a minute.
 */
export function whileDeciding<Result>(root: string, work: () => Promise<Result>): Promise<Result> {
  return underLock(join(root, 'retention.lock'), work)
}

/**
 * One process at a time takes away what no one can bring back, and looks for a hold before: so whoever
 * recorded a hold waits here for what is under way. To be taken before the other lock, never under it.
 */
export function whileRemoving<Result>(root: string, work: () => Promise<Result>): Promise<Result> {
  return underLock(join(root, 'removal.lock'), work)
}

async function underLock<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  const lock = await FileLock.take(path, { patienceMs })
  try {
    return await work()
  } finally {
    lock.release()
  }
}
