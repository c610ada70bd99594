import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { pause } from '@finchat/secrets-core/provider'
import { FileLock } from './file-lock.ts'

/** In the target of a copy, beside the trail. */
const name = 'copy.lock'

/** The index of a copy that is not complete: without `index.jsonl`, half a copy is not taken for a damaged trail. */
export const heldIndex = 'index.part'

/** Longer than most copies take. */
const copyPatienceMs = 600_000
const pollMs = 10

/** Throws `AUDIT_FAILED` if another copy takes longer than that. */
export function lockOfCopy(target: string): Promise<FileLock> {
  return FileLock.take(join(target, name), { patienceMs: copyPatienceMs })
}

/** Waits while a process copies into this folder of a trail: the index comes last. */
export async function copyEnded(folder: string): Promise<void> {
  const until = performance.now() + copyPatienceMs
  while (isBeingCopied(folder) && performance.now() < until) await pause(pollMs)
}

/** Locks of verifications in this process: no copy is under way there. */
const ofVerifications = new Set<string>()
const briefMs = 1_000
/** A reader of the records may be slow, and copies are to go on. */
const longestHeldMs = 60_000

/**
 * Keeps copies away from a folder that is verified, for a minute at most. Returns what ends that;
 * undefined if the folder is no copy, or if others have its lock.
 */
export async function withoutCopies(folder: string): Promise<(() => void) | undefined> {
  const path = lockNear(folder)
  const lock = path && (await FileLock.take(path, { patienceMs: briefMs }).catch(() => undefined))
  if (!lock) return undefined
  ofVerifications.add(path)
  const end = (): void => {
    clearTimeout(timer)
    if (isEnded) return
    isEnded = true
    ofVerifications.delete(path)
    lock.release()
  }
  let isEnded = false
  const timer = setTimeout(end, longestHeldMs).unref()
  return end
}

function isBeingCopied(folder: string): boolean {
  const lock = lockNear(folder)
  return lock !== undefined && !ofVerifications.has(lock) && isHeld(lock)
}

/** Of copies into it, or into one beside it: a copy is `audit` in its target. */
function lockNear(folder: string): string | undefined {
  const copies = [resolve(folder), dirname(resolve(folder))].filter((path) => basename(path) === 'audit')
  return copies.map((copy) => join(dirname(copy), name)).find((path) => existsSync(path))
}

/** A lock that cannot be opened is of one that ended: it was moved to where nobody may write. */
export function isHeld(path: string): boolean {
  if (!existsSync(path)) return false
  try {
    const lock = FileLock.tryTake(path)
    lock?.release()
    return lock === undefined
  } catch {
    return false
  }
}
