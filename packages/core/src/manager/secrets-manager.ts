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
 * The secrets manager of an application.
 *
 * Every call takes `signal`, `actor` and `requestId`, and rejects only with a `SecretsError`. Codes
 * of every call: `INVALID_ARGUMENT` for a bad argument, before any store is asked; `ABORTED` after
 * the caller's abort or `close()`; `AUDIT_FAILED` if the audit trail did not acknowledge.
 */
export interface SecretsManager {
  /**
   * Resolves to the secret's text, exactly as stored, or to one field of it.
   *
   * Rejects with `SecretNotFoundError` only if every provider said that the secret does not exist,
   * and with `UNAVAILABLE` if one could not be asked. Where the fallback policy stops, it rejects
   * with the provider's code. `INVALID_ARGUMENT`: the secret is binary, or has several fields and
   * `field` is missing.
   */
  readonly getSecret: (name: string, options?: ReadOneOptions) => Promise<string>
  /**
   * Like `getSecret`, but resolves to a value that does not print. It has the version, provider,
   * age, `stale` and `degraded`.
   */
  readonly getSecretValue: (name: string, options?: ReadOneOptions) => Promise<SecretValue>
  /**
   * Reads several secrets, in one batch where the store has one. Resolves to an object by name; one
   * error lists all failures.
   */
  readonly getSecrets: <const Name extends string>(names: readonly Name[], options?: ReadOptions) => Promise<Record<Name, string>>
  /** Reads several secrets, each with its own outcome, in the order of `requests`. */
  readonly getSecretValues: (requests: readonly SecretRequest[], options?: ReadOptions) => Promise<PromiseSettledResult<SecretValue>[]>
  /**
   * Resolves to whether `presented` equals the current secret, in constant time. With
   * `acceptPreviousForSeconds` the version before it counts too.
   *
   * False if the secret does not exist or was withdrawn. Rejects if no store can tell.
   */
  readonly verifySecret: (name: string, presented: string | Uint8Array, options?: VerifyOptions) => Promise<boolean>
  /**
   * Creates the secret or adds a version, at one provider. An object of strings becomes named
   * fields where the store has them, else JSON text.
   *
   * `VERSION_CONFLICT`: the number is used; the error names the next one. `CONFIGURATION`: an
   * earlier provider would hide the secret. `INVALID_ARGUMENT`: one value would replace several
   * fields.
   */
  readonly storeSecret: (name: string, value: string | Uint8Array | SecretFields, options?: WriteOptions) => Promise<SecretReceipt>
  /**
   * Stores a new version where the current one is, or creates the secret. It generates no value.
   * Takes the same arguments and rejects with the same codes as `storeSecret`.
   */
  readonly rotateSecret: (name: string, value: string | Uint8Array | SecretFields, options?: WriteOptions) => Promise<SecretReceipt>
  /**
   * Withdraws the secret where it is current, and reports which provider answers for the name now.
   */
  readonly deleteSecret: (name: string, options?: DeleteOptions) => Promise<DeleteReceipt>
  /** Undoes a withdrawal, if the store can. */
  readonly restoreSecret: (name: string, options?: ProviderChoice) => Promise<{ readonly provider: string }>
  /** Sets tags, removes those given as null, and leaves the others. */
  readonly tagSecret: (
    name: string,
    tags: Readonly<Record<string, string | null>>,
    options?: ProviderChoice,
  ) => Promise<{ readonly provider: string }>
  /** Resolves to the metadata of the current version, without its value. */
  readonly describeSecret: (name: string, options?: DescribeOptions) => Promise<DescribedSecret>
  /** Lists the stores' own paths, fetched page by page. */
  readonly listSecrets: (options?: ListOptions) => AsyncIterable<CatalogEntry>
  /** Counters since the manager was created, in total and by provider. */
  readonly cacheStats: () => CacheStats
  /**
   * Reports whether each provider is reachable and accepts our credentials. For readiness probes,
   * not for liveness.
   */
  readonly checkHealth: (options?: CallOptions) => Promise<HealthReport>
  /**
   * Refuses new calls, waits for running ones, ends leases, flushes the audit trail and wipes all
   * values. May be called twice.
   */
  readonly close: (options?: CloseOptions) => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}
