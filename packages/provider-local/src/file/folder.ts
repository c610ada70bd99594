import { statSync } from 'node:fs'

/** Changes whenever a name in the folder changes. */
interface Stamp {
  readonly dev: bigint
  readonly ino: bigint
  readonly ctimeNs: bigint
}

/** Exceeds the tick of the clock that stamps folders: at most 10 ms on Linux. */
const oneTickMs = 50

/**
 * POSIX updates a folder's ctime when a file in it is created, renamed or removed, which spares a
 * check of each file. A stamp that is too recent, or in whole milliseconds, may not be unique and
 * is not trusted.
 */
export class Folder {
  readonly #path: string
  #known: Stamp | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** Runs `check` unless no name has changed since it last succeeded. */
  unlessUnchanged(check: () => void): void {
    const stamp = stampOf(this.#path)
    if (stamp !== undefined && isSame(stamp, this.#known)) return
    this.#known = undefined
    check()
    if (stamp !== undefined && isReliable(stamp)) this.#known = stamp
  }
}

/** Undefined if the folder cannot be read; the check then reports why. */
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
