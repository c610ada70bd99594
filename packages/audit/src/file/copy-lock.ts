import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
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

/** Into it, or into one beside it. */
function isBeingCopied(folder: string): boolean {
  const lock = [dirname(folder), dirname(dirname(folder))].map((target) => join(target, name)).find((path) => existsSync(path))
  return lock !== undefined && isHeld(lock)
}

/** A lock that cannot be opened is of a copy that ended: it was moved to where nobody may write. */
function isHeld(path: string): boolean {
  try {
    const lock = FileLock.tryTake(path)
    lock?.release()
    return lock === undefined
  } catch {
    return false
  }
}
