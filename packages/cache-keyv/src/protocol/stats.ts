import { channel } from 'node:diagnostics_channel'
import type { SharedCacheStats, SharedKey } from '@finchat/secrets-core'
import { warnOperator } from '@finchat/secrets-core/provider'
import type { FaultReason } from '../store/errors.ts'

/**
 * Why an entry was not served. `unreadable`: forged, moved, truncated, or sealed with a key outside
 * the ring. `retired`: sealed with the index key after it left the ring. `future`: written over 5 s ahead of this clock. `expired`: the store ignored its TTL.
 * `outdated`: its path was invalidated, or a later version written, since.
 */
export type IgnoredReason = 'unreadable' | 'retired' | 'future' | 'expired' | 'outdated'

/** A message on the channel `finchat.secrets.shared` of `node:diagnostics_channel`. No value. */
export type SharedCacheReport =
  | ({ readonly event: 'ignored'; readonly reason: 'unreadable' | 'future'; readonly namespace: string } & SharedKey)
  | { readonly event: 'failed'; readonly reason: FaultReason; readonly namespace: string }
  | { readonly event: 'other-key'; readonly namespace: string }
  | { readonly event: 'restarts-unknown'; readonly namespace: string }

/** Counts of this process since the cache was made. */
export interface KeyvCacheStats extends SharedCacheStats {
  readonly hits: number
  readonly misses: number
  /** Reads that could not use the store: it failed, or was in its cool-down. */
  readonly unavailable: number
  /** Misses that got the fill lease. */
  readonly leases: number
  /** Hits that waited for another process's answer. */
  readonly waits: number
  readonly fills: number
  readonly invalidations: number
  /** Entries that were found and not served. */
  readonly ignored: Readonly<Record<IgnoredReason, number>>
  /** Calls to the store that failed. */
  readonly failures: Readonly<Record<FaultReason, number>>
  /** The store is not called for `coolDownMs`, after three failures in a row. */
  readonly isCoolingDown: boolean
  /** At the last check, the namespace was in use with another key: nothing is shared between keys. */
  readonly hasOtherKey: boolean
}

type Count = Exclude<keyof KeyvCacheStats, 'ignored' | 'failures' | 'isCoolingDown' | 'hasOtherKey'>

export const warningCode = 'FINCHAT_SECRETS_SHARED_CACHE'

/** A kind of failure that has paused for so long is warned of again. */
const quietMs = 60_000

export class Stats {
  readonly #channel = channel('finchat.secrets.shared')
  readonly #namespace: string
  readonly #counts: Record<Count, number> = { hits: 0, misses: 0, unavailable: 0, leases: 0, waits: 0, fills: 0, invalidations: 0 }
  readonly #ignored: Record<IgnoredReason, number> = { unreadable: 0, retired: 0, future: 0, expired: 0, outdated: 0 }
  readonly #failures: Record<FaultReason, number> = { timeout: 0, denied: 0, full: 0, failed: 0 }
  readonly #lastSeenAt = new Map<string, number>()

  constructor(namespace: string) {
    this.#namespace = namespace
  }

  get snapshot(): Omit<KeyvCacheStats, 'isCoolingDown' | 'hasOtherKey'> {
    return { ...this.#counts, ignored: { ...this.#ignored }, failures: { ...this.#failures } }
  }

  count(what: Count): void {
    this.#counts[what] += 1
  }

  recordIgnored(reason: IgnoredReason, { sharedAs, path, version }: SharedKey): void {
    this.#ignored[reason] += 1
    if (reason !== 'unreadable' && reason !== 'future') return
    this.#publish({ event: 'ignored', reason, namespace: this.#namespace, sharedAs, path, version })
    this.#warn(reason, ignoredBecause[reason])
  }

  recordFailure(reason: FaultReason): void {
    this.#failures[reason] += 1
    this.#publish({ event: 'failed', reason, namespace: this.#namespace })
    this.#warn('failed', `cannot be used (${failedBecause[reason]}): answers come from memory and providers`)
  }

  recordOtherKey(): void {
    this.#publish({ event: 'other-key', namespace: this.#namespace })
    this.#warn(
      'other key',
      'is used with another key too, or was in the last half hour. Nothing is shared between keys. Give all processes the same `encryptionKey` (with several keys, the same `indexKey`), or each fleet its own `namespace`',
    )
  }

  recordRestartsUnknown(): void {
    this.#publish({ event: 'restarts-unknown', namespace: this.#namespace })
    this.#warn(
      'restarts unknown',
      "does not tell whether its server started again, since the user of `client` may not call INFO. Entries are shared all the same, but no former version of a secret is known to be unused. Grant `+info`, in a cluster `+eval` too: see the guide, 'Least rights'",
    )
  }

  #warn(kind: string, message: string): void {
    const now = performance.now()
    const before = this.#lastSeenAt.get(kind)
    this.#lastSeenAt.set(kind, now)
    if (before !== undefined && now - before < quietMs) return
    warnOperator(`The shared cache of secrets (namespace '${printable(this.#namespace)}') ${message}`, warningCode)
  }

  #publish(report: SharedCacheReport): void {
    if (this.#channel.hasSubscribers) this.#channel.publish(report)
  }
}

/** A namespace must not forge a line of a log. */
function printable(text: string): string {
  return [...text].map((each) => (each >= ' ' && each <= '~' ? each : `\\u{${each.codePointAt(0)?.toString(16)}}`)).join('')
}

const ignoredBecause = {
  unreadable:
    "holds an entry that no key of the ring opens: its key left the ring less than 7 days ago, some processes lack a key, or it was altered. See the guide, 'Changing the key'",
  future: 'holds an entry that was written in the future: compare the clocks',
}

const failedBecause: Readonly<Record<FaultReason, string>> = {
  timeout: 'no answer in time; connect before the first read, and see `timeoutMs`',
  denied: "its user lacks a right; see the guide, 'Least rights'",
  full: 'it is full; see its maxmemory',
  failed: 'it fails; see the errors of its client',
}
