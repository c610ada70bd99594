/** One way in which the system fails the store: which calls fail and how, in strace's words. */
export interface Injection {
  readonly what: string
  readonly calls: string
  readonly expression: string
  /**
   * Only calls on the files of the store that was made, for what Node.js itself cannot do without.
   */
  readonly onlyStore: boolean
  /**
   * SQLite takes an I/O error of a read for a damaged file, SQLITE_CORRUPT (its os_unix.c and
   * vdbe.c say so), and so do we.
   */
  readonly mayBeIntegrity: boolean
}

const failures: readonly (readonly [what: string, calls: string, error: string])[] = [
  ['a sync fails', 'fsync,fdatasync', 'EIO'],
  ['a write fails', 'pwrite64', 'EIO'],
  ['the disk is full', 'pwrite64', 'ENOSPC'],
  ['the quota is used up', 'pwrite64', 'EDQUOT'],
  ['the disk has become read-only', 'pwrite64', 'EROFS'],
  ['a read fails', 'pread64', 'EIO'],
  ['cutting a file off fails', 'ftruncate', 'EIO'],
  ['removing a file fails', 'unlink', 'EIO'],
  ['giving the file its name fails', 'link', 'EIO'],
]
/**
 * The `n`th call of each kind alone, and from there on every so many: single faults, and a disk
 * that is failing.
 */
export function injections(positions: readonly number[]): Injection[] {
  return failures.flatMap(([what, calls, error]) =>
    positions.flatMap((n) => [`${n}`, `${n}+7`]).map((when) => injection(what, calls, `${error}:when=${when}`)),
  )
}

/**
 * Reads that fail while a store is made, when Node.js has done as many as it takes to load our
 * code.
 */
export function readsWhileItIsMade(toLoad: number): Injection[] {
  const alone = Array.from({ length: 20 }, (_, n) => `${toLoad + n + 1}`)
  const again = [1, 2, 3, 4, 5].map((n) => `${toLoad + n}+${n + 1}`)
  return [...alone, ...again].map((when) => ({
    ...injection('a read fails while the store is made', 'pread64', `EIO:when=${when}`),
    onlyStore: false,
  }))
}

function injection(what: string, calls: string, error: string): Injection {
  return { what, calls, expression: `inject=${calls}:error=${error}`, onlyStore: calls === 'pread64', mayBeIntegrity: calls === 'pread64' }
}
