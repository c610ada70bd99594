import { statSync } from 'node:fs'

/** What names files in a folder is as it was, as long as this is. */
interface Stamp {
  readonly dev: bigint
  readonly ino: bigint
  readonly ctimeNs: bigint
}

/** Longer than between two ticks of the clock that stamps folders: 10 ms on Linux at the most, less elsewhere. */
const oneTickMs = 50

/**
 * A folder whose names were found to lead where they should. POSIX has every file that is created, renamed or removed mark its folder, so that one
 * look at that spares a look at each file. A mark that is so new that another change might bear the same one is not relied upon, nor is one
 * of a file system that counts whole milliseconds or less.
 */
export class Folder {
  readonly #path: string
  #known: Stamp | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** Runs `check` unless nothing was created, renamed or removed here since it last succeeded. */
  unlessUnchanged(check: () => void): void {
    const stamp = stampOf(this.#path)
    if (stamp !== undefined && isSame(stamp, this.#known)) return
    this.#known = undefined
    check()
    if (stamp !== undefined && isReliable(stamp)) this.#known = stamp
  }
}

/** `undefined`: there is no such folder, or it cannot be looked at; the check will say what that means. */
function stampOf(path: string): Stamp | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

function isSame(one: Stamp, other: Stamp | undefined): boolean {
  return one.ctimeNs === other?.ctimeNs && one.ino === other.ino && one.dev === other.dev
}

function isReliable({ ctimeNs }: Stamp): boolean {
  const age = Date.now() - Number(ctimeNs / 1_000_000n)
  return process.platform !== 'win32' && ctimeNs % 1_000_000n !== 0n && age > oneTickMs
}
