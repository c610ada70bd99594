import type { CacheStats } from '../cache/cache-stats.ts'
import type { CallOptions } from '../options/call-options.ts'
import type { CatalogEntry, DescribedSecret, DescribeOptions, ListOptions } from '../read/list-and-describe.ts'
import type { CloseOptions } from './shutdown.ts'
import type { HealthReport } from './health.ts'
import type { ReadOneOptions, ReadOptions } from '../read/read-options.ts'
import type { SecretRequest } from '../read/reader.ts'
import type { SecretValue } from '../value/secret-value.ts'
import type { VerifyOptions } from '../verify/verifier.ts'
import type { DeleteOptions, ProviderChoice, WriteOptions } from '../write/write-options.ts'
import type { DeleteReceipt, SecretReceipt } from '../write/writer.ts'
import type { SecretFields } from '../write/input-value.ts'

/**
 * What an application uses. Every call takes `signal`, `actor` and `requestId`, and rejects with a `SecretsError` and
 * nothing else: `INVALID_ARGUMENT` for a bad argument before anything is asked, `ABORTED` for the caller's abort or
 * after `close()`, `AUDIT_FAILED` if the audit trail did not acknowledge.
 */
export interface SecretsManager {
  /**
   * Resolves to the secret's text, exactly as stored, or to one field of it. Rejects with `SecretNotFoundError` only if
   * every provider said that it does not exist, `UNAVAILABLE` if one could not be asked, and the provider's own code
   * where the fallback policy stops; with `INVALID_ARGUMENT` for a binary secret, and one of several fields without `field`.
   */
  readonly getSecret: (name: string, options?: ReadOneOptions) => Promise<string>
  /** The same as a value that does not print, with its version, provider, age, `stale` and `degraded`. */
  readonly getSecretValue: (name: string, options?: ReadOneOptions) => Promise<SecretValue>
  /** Several at once, in one batch where the store has one, as an object by name. One error lists all that failed. */
  readonly getSecrets: <const Name extends string>(names: readonly Name[], options?: ReadOptions) => Promise<Record<Name, string>>
  /** Several at once, each with its own outcome, index by index as `Promise.allSettled` answers. */
  readonly getSecretValues: (requests: readonly SecretRequest[], options?: ReadOptions) => Promise<PromiseSettledResult<SecretValue>[]>
  /**
   * Resolves to whether `presented` is the current secret, or the one before within `acceptPreviousForSeconds`, compared
   * in constant time. False for a secret that does not exist or was withdrawn; rejects if that cannot be told.
   */
  readonly verifySecret: (name: string, presented: string | Uint8Array, options?: VerifyOptions) => Promise<boolean>
  /**
   * Creates the secret or adds a version, at one provider. An object of strings becomes named fields where the store keeps such, else JSON text. Rejects
   * with `VERSION_CONFLICT`, naming the next number, with `CONFIGURATION` if an earlier provider would hide it, and with `INVALID_ARGUMENT` for one value
   * over a secret of several fields.
   */
  readonly storeSecret: (name: string, value: string | Uint8Array | SecretFields, options?: WriteOptions) => Promise<SecretReceipt>
  /**
   * Stores a value of yours as a new version where the current one is; it generates nothing. Creates the secret where there
   * is none. Takes and refuses what `storeSecret` does.
   */
  readonly rotateSecret: (name: string, value: string | Uint8Array | SecretFields, options?: WriteOptions) => Promise<SecretReceipt>
  /** Withdraws the secret where it is current, and says who answers for the name from then on. */
  readonly deleteSecret: (name: string, options?: DeleteOptions) => Promise<DeleteReceipt>
  /** Undoes a withdrawal, where the store can. */
  readonly restoreSecret: (name: string, options?: ProviderChoice) => Promise<{ readonly provider: string }>
  /** Sets these tags, drops those given as null, leaves the others. */
  readonly tagSecret: (
    name: string,
    tags: Readonly<Record<string, string | null>>,
    options?: ProviderChoice,
  ) => Promise<{ readonly provider: string }>
  /** What can be told of the current version without its value. */
  readonly describeSecret: (name: string, options?: DescribeOptions) => Promise<DescribedSecret>
  /** The stores' own paths, fetched page by page as they are read. */
  readonly listSecrets: (options?: ListOptions) => AsyncIterable<CatalogEntry>
  /** Counters since the manager was created, in all and by provider. */
  readonly cacheStats: () => CacheStats
  /** Whether each provider can be reached and accepts us. For readiness probes, not for liveness. */
  readonly checkHealth: (options?: CallOptions) => Promise<HealthReport>
  /** Refuses new calls, waits for those that run, ends leases, flushes the audit trail, and wipes what is held. May be called twice. */
  readonly close: (options?: CloseOptions) => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}
