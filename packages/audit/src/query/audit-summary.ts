/** What happened. Times are epoch milliseconds; lists begin with the highest count. */
export interface AuditSummary {
  /** The times of the first and last record. Absent: there is none. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** All records, intents too. */
  readonly records: number
  /** `get` and `verify`, with the failed ones. */
  readonly reads: number
  /** Writes, rotations, deletions and the like. */
  readonly changes: number
  /** Outcomes that are errors. */
  readonly failed: number
  /** Records that a sink did not acknowledge, by its gap records. */
  readonly missed: number
  /** By UTC day, without empty days. */
  readonly days: readonly DaySummary[]
  /** Who read what: at most 100,000. */
  readonly accesses: readonly AccessSummary[]
  readonly readers: readonly ReaderSummary[]
  /** Who changed, rotated and deleted what, the latest first. */
  readonly writes: readonly WriteSummary[]
  /** Logins of providers, their tokens and leases, the latest first. */
  readonly logins: readonly LoginSummary[]
  /** Denied calls, altered secrets and tokens that did not match, the latest first. */
  readonly denials: readonly DenialSummary[]
  /** By time. */
  readonly gaps: readonly GapSummary[]
  /** Hosts and their services, the one that fell silent first before the others. */
  readonly hosts: readonly HostSummary[]
  readonly secrets: readonly SecretSummary[]
  readonly providers: readonly ProviderSummary[]
  readonly failures: readonly FailureSummary[]
  /** Secrets that were rotated, or have a policy; overdue ones first. */
  readonly rotations: readonly RotationSummary[]
  readonly notRotatedForDays: number
  /** Secrets in use that did not change in so many days. */
  readonly notRotated: readonly UnrotatedSummary[]
  /** Names that are shown as pseudonyms, the earliest first. */
  readonly unreadable: readonly UnreadableName[]
  /** Counted above, but missing in a list: most hold at most 10,000 entries. */
  readonly unlisted: number
}

/** A name that `sealNames` sealed, and that no key opened. Times are epoch milliseconds. */
export interface UnreadableName {
  readonly pseudonym: string
  /**
   * `sealed`: no key of it was given. `erased`: its key was overwritten in the file of name keys.
   * `lost`: a file of each folder was given, and none has its key.
   */
  readonly state: 'sealed' | 'erased' | 'lost'
  /** Records that have it, as actor or as the name of a secret. */
  readonly records: number
  readonly first: number
  readonly last: number
}

/** The records of one day, in UTC. */
export interface DaySummary {
  /** `2026-11-25` */
  readonly day: string
  readonly ok: number
  readonly failed: number
}

/** The reads of one secret by one actor. Times are epoch milliseconds. */
export interface AccessSummary {
  /** Absent: unknown. */
  readonly actor?: string | undefined
  readonly name: string
  readonly reads: number
  readonly failed: number
  /** The providers that answered. */
  readonly providers: readonly string[]
  readonly first: number
  readonly last: number
}

/** The reads of one actor. */
export interface ReaderSummary {
  /** Absent: unknown. */
  readonly actor?: string | undefined
  readonly reads: number
  readonly failed: number
  /** How many secrets it read or tried to read, among `accesses`. */
  readonly secrets: number
  readonly first: number
  readonly last: number
}

/** Changes of one secret by one actor: the same operation. */
export interface WriteSummary {
  /** Absent: unknown. */
  readonly actor?: string | undefined
  /** `store`, `rotate`, `delete`, a step of a rotation such as `promote`, and so on. */
  readonly operation: string
  readonly name: string
  readonly count: number
  readonly failed: number
  readonly first: number
  readonly last: number
}

/** What one provider did to be let in: the same operation, method and path. */
export interface LoginSummary {
  /** `login`, `renew`, `revoke`, `lease`, `renew-lease` or `revoke-lease`. */
  readonly operation: string
  readonly provider?: string | undefined
  /** Such as `approle`. */
  readonly method?: string | undefined
  /** The path of a lease; else empty. */
  readonly name: string
  readonly ok: number
  readonly failed: number
  /** The last failure's. */
  readonly code?: string | undefined
  readonly last: number
}

/** Denials of one kind: the same actor, operation, name and code. */
export interface DenialSummary {
  /** Absent: unknown. */
  readonly actor?: string | undefined
  readonly operation: string
  readonly name: string
  /** The error's code, or `NO_MATCH` for a token that was compared and did not match. */
  readonly code: string
  readonly count: number
  readonly first: number
  readonly last: number
}

/** Records that one sink did not acknowledge. */
export interface GapSummary {
  readonly time: number
  readonly host: string
  readonly service: string
  readonly pid: number
  readonly missed: number
  /** The numbers of the first and last record missed. */
  readonly from: number
  readonly to: number
}

/** What one service recorded on one host. */
export interface HostSummary {
  readonly host: string
  readonly service: string
  readonly records: number
  readonly first: number
  readonly last: number
}

/** The use of one secret. */
export interface SecretSummary {
  readonly name: string
  readonly reads: number
  readonly failed: number
  /** Actors that read it; unknown ones count as one. */
  readonly actors: number
  readonly lastRead?: number | undefined
  /** When it was last written or rotated here, or a higher version was first read. */
  readonly lastChanged?: number | undefined
}

/** Answers of one provider. */
export interface ProviderSummary {
  readonly provider: string
  readonly ok: number
  readonly failed: number
  /** Answers from memory or the shared cache, among `ok`. */
  readonly cached: number
  /** Answers from a fallback, or from a cache that the store did not confirm, among `ok`. */
  readonly degraded: number
  readonly stale: number
}

/** Failures of one kind, of any actor: the same code, operation and name. */
export interface FailureSummary {
  readonly code: string
  readonly operation: string
  readonly name: string
  readonly count: number
  readonly last: number
}

/** A secret that has not changed for longer than the report allows. */
export interface UnrotatedSummary {
  readonly name: string
  /** Absent: never in this trail. */
  readonly lastChanged?: number | undefined
  /** Whole days without a change, within this trail. */
  readonly days: number
}

/** The rotations of one secret, as far as this trail shows them. Times are epoch milliseconds. */
export interface RotationSummary {
  readonly name: string
  /** How often a new version became current. */
  readonly rotations: number
  /**
   * How the last rotation ended. `unfinished`: its version is staged and waits. `failed`: see
   * `code`; its version may wait. Absent: there is none.
   */
  readonly outcome?: 'rotated' | 'rolledBack' | 'failed' | 'unfinished' | undefined
  readonly code?: string | undefined
  /** Who did the step that `outcome` follows from. Absent: unknown. */
  readonly by?: string | undefined
  /** When that step was recorded. */
  readonly last?: number | undefined
  /** When a former value was last withdrawn at its target, and by whom. */
  readonly lastRetired?: number | undefined
  readonly retiredBy?: string | undefined
  /** When the secret last changed, as in `secrets`, and how many whole days ago. */
  readonly lastChanged?: number | undefined
  readonly days?: number | undefined
  /** When the current version is as old as its policy allows. A rotator may come earlier. */
  readonly dueBy?: number | undefined
  /** Absent without a policy, and where the trail does not go back far enough to tell. */
  readonly isOverdue?: boolean | undefined
}
