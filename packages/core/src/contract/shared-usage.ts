import type { Call, WriteReceipt } from './provider.ts'

/** One path of one store. */
export interface UsagePath {
  readonly sharedAs: string
  readonly path: string
}

/** What one process uses of one path. */
export interface UsageMark {
  /** Random, and of one process alone. */
  readonly process: string
  /** Grows with each mark of this process: a lower one never replaces a higher one. */
  readonly count: number
  readonly host: string
  /** Its number there, since many processes may be on one host. */
  readonly pid?: number | undefined
  readonly actor?: string | undefined
  /** When it was made, epoch milliseconds of its process. */
  readonly since: number
  /** The versions in use. None: the process left. */
  readonly uses: readonly WriteReceipt[]
}

/** A mark as the shared cache keeps it. */
export interface KeptMark extends UsageMark {
  /** The last sign of life, by the clock of its process. Absent: unknown. */
  readonly seenAt?: number | undefined
  /** What it used was withdrawn on purpose. */
  readonly isExcused: boolean
}

/** Who uses one path. */
export interface UsageMarks {
  /**
   * No mark made since then can be missing, epoch milliseconds. A cache that lost a mark, or may
   * have, begins anew. Absent: its server does not tell whether it started again, so marks may be
   * missing.
   */
  readonly completeSince?: number | undefined
  /** Without those that left. */
  readonly marks: readonly KeptMark[]
}

/** Marks of use, which a fleet keeps so that a former version is not withdrawn too early. */
export interface SharedUsage {
  /**
   * Replaces the earlier mark of this process. Resolves when no other process can overwrite it;
   * rejects if that is not certain.
   */
  readonly register: Call<[path: UsagePath, mark: UsageMark], void>
  /** A sign of life. False: the mark is not there any more, so register it again. */
  readonly seen: Call<[path: UsagePath, process: string], boolean>
  /** `undefined`: there are none, or they were lost. Rejects if the cache failed. */
  readonly read: Call<[path: UsagePath], UsageMarks | undefined>
  /** What these marks name is withdrawn: each is excused, unless its process has a later one by now. */
  readonly excuse: Call<[path: UsagePath, marks: readonly Pick<UsageMark, 'process' | 'count'>[]], void>
}
