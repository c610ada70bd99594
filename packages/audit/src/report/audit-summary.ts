/** What happened, by what it happened to. Times are epoch milliseconds; lists begin with what counts most. */
export interface AuditSummary {
  /** The times of the first and last record. Absent: there is none. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** Of every kind, intents too. */
  readonly records: number
  /** `get` and `verify`, the failed ones too. */
  readonly reads: number
  /** What was done to secrets: written, rotated, deleted, … */
  readonly changes: number
  /** Outcomes that are errors. */
  readonly failed: number
  /** Records of which a sink says that it did not get them. */
  readonly missed: number
  /** By UTC day, in order, without the days on which nothing was. */
  readonly days: readonly DaySummary[]
  /** Who read what. */
  readonly accesses: readonly AccessSummary[]
  readonly secrets: readonly SecretSummary[]
  readonly providers: readonly ProviderSummary[]
  readonly failures: readonly FailureSummary[]
  readonly notRotatedForDays: number
  /** Secrets in use of which no record in so many days says that they changed. */
  readonly notRotated: readonly UnrotatedSummary[]
  /** Records that are counted above, but in no list: the lists hold at most 10,000 entries each. */
  readonly unlisted: number
}

export interface DaySummary {
  /** `2026-11-25` */
  readonly day: string
  readonly ok: number
  readonly failed: number
}

export interface AccessSummary {
  /** Absent: nobody said who. */
  readonly actor?: string | undefined
  readonly name: string
  readonly reads: number
  readonly failed: number
  /** Which providers answered. */
  readonly providers: readonly string[]
  readonly last: number
}

export interface SecretSummary {
  readonly name: string
  readonly reads: number
  readonly failed: number
  /** How many actors read it; those who said nothing count as one. */
  readonly actors: number
  readonly lastRead?: number | undefined
  /** When it was last written or rotated here, or a higher version number was first read. */
  readonly lastChanged?: number | undefined
}

export interface ProviderSummary {
  readonly provider: string
  readonly ok: number
  readonly failed: number
  /** Answers out of memory or the shared cache, among `ok`. */
  readonly cached: number
  /** Answers that stand in for a better provider, or that their store does no longer confirm, among `ok`. */
  readonly degraded: number
  readonly stale: number
}

export interface FailureSummary {
  readonly code: string
  readonly operation: string
  readonly name: string
  readonly count: number
  readonly last: number
}

export interface UnrotatedSummary {
  readonly name: string
  /** Absent: never in this trail. */
  readonly lastChanged?: number | undefined
  /** Whole days without a change, as far as this trail goes back. */
  readonly days: number
}
