// What a provider, a shared cache and an audit trail tell of themselves without a call, for metrics.
// Each may leave it out. Times are epoch milliseconds.

/** Until when a token or a lease lives. */
export interface CredentialLife {
  readonly expiresAt: number
  /** How long it was granted for at first. */
  readonly grantedMs: number
}

/** How often calls of one kind ended so, since the provider was made. */
export interface LoginCount {
  /** Such as `login`, `renew` or `lease`. */
  readonly operation: string
  /** Absent: they succeeded. */
  readonly code?: string | undefined
  readonly count: number
}

/** What a provider knows of its own credential. */
export interface CredentialStatus {
  /** The last token, which may have ended. Absent: there is none, or its end is not known. */
  readonly token?: CredentialLife | undefined
  /** The lease in use that ends first, or has ended. */
  readonly lease?: CredentialLife | undefined
  /** How many leases are in use. */
  readonly leases: number
  readonly logins: readonly LoginCount[]
}

/** Counts of a shared cache in this process. */
export interface SharedCacheStats {
  readonly hits: number
  readonly misses: number
  /** Reads that could not use it. */
  readonly unavailable: number
  /** Entries that were found and not served, by the reason. */
  readonly ignored: Readonly<Record<string, number>>
  /** Calls to its server that failed, by the reason. */
  readonly failures: Readonly<Record<string, number>>
  /** Its server is not called for a while, after failures in a row. */
  readonly isCoolingDown?: boolean | undefined
  /** It was found in use with another key, so that nothing is shared with some processes. */
  readonly hasOtherKey?: boolean | undefined
}

/** What an audit sink refused, beside the health of its last call. */
export interface SinkStatus {
  /** Without its acknowledgement a record counts as not made. */
  readonly isRequired: boolean
  /** It did not acknowledge lately: until it did, and refused nothing for a minute. */
  readonly isFailing: boolean
  /** Records that it did not acknowledge, since the trail was made. */
  readonly refused: number
}
