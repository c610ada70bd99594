import { channel } from 'node:diagnostics_channel'
import type { SharedKey } from '@finchat/secrets-core'
import type { FaultReason } from '../store/errors.ts'

/**
 * Why an entry that lay in the store was not served. `unreadable`: forged, moved, cut, or sealed with a key that is not in the ring. `future`: written over
 * 5 s ahead of this clock. `expired`: its time was over, though the store still had it. `outdated`: its path was invalidated, or a later version
 * written, since.
 */
export type IgnoredReason = 'unreadable' | 'future' | 'expired' | 'outdated'

/** What subscribers of the channel `finchat.secrets.shared` (`node:diagnostics_channel`) receive. Never a value. */
export type SharedCacheReport =
  | ({ readonly event: 'ignored'; readonly reason: 'unreadable' | 'future'; readonly namespace: string } & SharedKey)
  | { readonly event: 'failed'; readonly reason: FaultReason; readonly namespace: string }
  | { readonly event: 'other-key'; readonly namespace: string }

/** What has happened since the cache was made, in this process. */
export interface KeyvCacheStats {
  readonly hits: number
  readonly misses: number
  /** Reads that could not ask the store, or left it alone. */
  readonly unavailable: number
  /** Of the misses: those that got the turn to ask the provider for the whole fleet. */
  readonly turns: number
  /** Of the hits: those that waited for another process's answer. */
  readonly waits: number
  readonly fills: number
  readonly invalidations: number
  /** Entries that were there and not served. */
  readonly ignored: Readonly<Record<IgnoredReason, number>>
  /** Calls to the store that failed. */
  readonly failures: Readonly<Record<FaultReason, number>>
}

type Count = Exclude<keyof KeyvCacheStats, 'ignored' | 'failures'>

/** One warning for all that happens in this time. */
const quietMs = 60_000

/** Counts, tells subscribers, and warns the operator once for all that goes on without a pause. */
export class Reports {
  readonly #channel = channel('finchat.secrets.shared')
  readonly #namespace: string
  readonly #counts: Record<Count, number> = { hits: 0, misses: 0, unavailable: 0, turns: 0, waits: 0, fills: 0, invalidations: 0 }
  readonly #ignored: Record<IgnoredReason, number> = { unreadable: 0, future: 0, expired: 0, outdated: 0 }
  readonly #failures: Record<FaultReason, number> = { timeout: 0, denied: 0, full: 0, failed: 0 }
  readonly #warnedOf = new Map<string, number>()

  constructor(namespace: string) {
    this.#namespace = namespace
  }

  get stats(): KeyvCacheStats {
    return { ...this.#counts, ignored: { ...this.#ignored }, failures: { ...this.#failures } }
  }

  count(what: Count): void {
    this.#counts[what] += 1
  }

  ignored(reason: IgnoredReason, { sharedAs, path, version }: SharedKey): void {
    this.#ignored[reason] += 1
    if (reason === 'expired' || reason === 'outdated') return
    this.#tell({ event: 'ignored', reason, namespace: this.#namespace, sharedAs, path, version })
    this.#warn(reason, ignoredBecause[reason])
  }

  failed(reason: FaultReason): void {
    this.#failures[reason] += 1
    this.#tell({ event: 'failed', reason, namespace: this.#namespace })
    this.#warn('failed', `cannot be used (${failedBecause[reason]}): answers come from memory and providers`)
  }

  /** Others use the namespace with a key that finds other places. */
  foundOtherKey(): void {
    this.#tell({ event: 'other-key', namespace: this.#namespace })
    this.#warn(
      'other key',
      'is used with another key too, or was in the last half hour, and nothing is shared between keys: give all processes the same `encryptionKey` (with several keys, the same `indexKey`), or fleets that are not to share a `namespace` each',
    )
  }

  /** Once a minute at most for one kind of trouble, however long it lasts. */
  #warn(kind: string, message: string): void {
    const now = performance.now()
    const before = this.#warnedOf.get(kind)
    this.#warnedOf.set(kind, now)
    if (before !== undefined && now - before < quietMs) return
    process.emitWarning(`The shared cache of secrets (namespace '${printable(this.#namespace)}') ${message}`, {
      type: 'SecretsWarning',
      code: 'FINCHAT_SECRETS_SHARED_CACHE',
    })
  }

  #tell(report: SharedCacheReport): void {
    if (this.#channel.hasSubscribers) this.#channel.publish(report)
  }
}

/** A namespace is any text, and a log has lines. */
function printable(text: string): string {
  return [...text].map((each) => (each >= ' ' && each <= '~' ? each : `\\u{${each.codePointAt(0)?.toString(16)}}`)).join('')
}

const ignoredBecause = {
  unreadable:
    'holds what no key of the ring opens: it was altered, or a key was made first before all processes had it; give all of them all of its keys',
  future: 'holds what was written in the future: compare the clocks',
}

const failedBecause: Readonly<Record<FaultReason, string>> = {
  timeout: 'no answer in time; connect before the first read, and see `timeoutMs`',
  denied: "the user may not do it; see the README, 'Least rights'",
  full: 'it keeps nothing more; see its maxmemory',
  failed: 'it fails; its client tells why',
}
