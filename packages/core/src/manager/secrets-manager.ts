import type { CacheStats } from '../cache/cache-stats.ts'
import type { CallOptions } from '../options/call-options.ts'
import type { CatalogEntry, DescribedSecret, DescribeOptions, ListOptions } from '../read/list-and-describe.ts'
import type { CloseOptions } from './shutdown.ts'
import type { HealthReport } from './health.ts'
import type { ReadOneOptions, ReadOptions } from '../read/read-options.ts'
import type { SecretRequest } from '../read/reader.ts'
import type { SecretValue } from '../value/secret-value.ts'
import type { VerifyOptions } from '../verify/verify-options.ts'
import type { DeleteOptions, ProviderChoice, WriteOptions } from '../write/write-options.ts'
import type { DeleteReceipt, SecretReceipt } from '../write/writer.ts'
import type { SecretFields } from '../write/input-value.ts'

/**
 * The secrets manager of an application. Every call takes `signal`, `actor` and `requestId`, and
 * rejects only with a `SecretsError`. Common codes: `INVALID_ARGUMENT` before any store is asked,
 * `ABORTED` after the caller's abort or `close()`, and `AUDIT_FAILED` without the trail's
 * acknowledgement.
 */
export interface SecretsManager {
  /**
   * Resolves to the secret's exact text, or to one field of it.
   *
   * Rejects with `SecretNotFoundError` only if every provider said so, and with `UNAVAILABLE` if
   * one could not be asked. Where the fallback policy stops, it rejects with the provider's code.
   * `INVALID_ARGUMENT`: the secret is binary, or has several fields and `field` is missing.
   */
  readonly getSecret: (name: string, options?: ReadOneOptions) => Promise<string>
  /**
   * Resolves to a value that does not print, with version, provider, age, `stale` and `degraded`.
   */
  readonly getSecretValue: (name: string, options?: ReadOneOptions) => Promise<SecretValue>
  /**
   * Resolves to an object by name, read in one batch where possible. One error lists all failures.
   */
  readonly getSecrets: <const Name extends string>(names: readonly Name[], options?: ReadOptions) => Promise<Record<Name, string>>
  /** Resolves to the outcome of each request, in order. */
  readonly getSecretValues: (requests: readonly SecretRequest[], options?: ReadOptions) => Promise<PromiseSettledResult<SecretValue>[]>
  /**
   * Compares in constant time with the current secret, and with the one before it under
   * `acceptPreviousForSeconds`. False if the secret is missing or withdrawn; rejects if no store
   * can tell.
   */
  readonly verifySecret: (name: string, presented: string | Uint8Array, options?: VerifyOptions) => Promise<boolean>
  /**
   * Creates the secret or adds a version, at one provider. An object of strings becomes named
   * fields where the store has them, else JSON text.
   *
   * `VERSION_CONFLICT`: another write came first, or the number was used. `CONFIGURATION`: an
   * earlier provider would hide the secret. `INVALID_ARGUMENT`: one value would replace several
   * fields.
   */
  readonly storeSecret: (name: string, value: string | Uint8Array | SecretFields, options?: WriteOptions) => Promise<SecretReceipt>
  /**
   * Stores a new version where the current one is, or creates the secret. Rejects as `storeSecret`
   * does.
   */
  readonly rotateSecret: (name: string, value: string | Uint8Array | SecretFields, options?: WriteOptions) => Promise<SecretReceipt>
  /** Withdraws the current secret, and reports which provider answers now. */
  readonly deleteSecret: (name: string, options?: DeleteOptions) => Promise<DeleteReceipt>
  /** Undoes a withdrawal, if the store can. */
  readonly restoreSecret: (name: string, options?: ProviderChoice) => Promise<{ readonly provider: string }>
  /** Sets tags, removes those given as null, and leaves the others. */
  readonly tagSecret: (
    name: string,
    tags: Readonly<Record<string, string | null>>,
    options?: ProviderChoice,
  ) => Promise<{ readonly provider: string }>
  /** Describes the current version without its value. */
  readonly describeSecret: (name: string, options?: DescribeOptions) => Promise<DescribedSecret>
  /** Lists the stores' own paths, page by page. */
  readonly listSecrets: (options?: ListOptions) => AsyncIterable<CatalogEntry>
  /** Counters since the manager was created, in total and by provider. */
  readonly cacheStats: () => CacheStats
  /**
   * Reports whether each provider is reachable, for alerts, and whether a sink of the audit trail, the
   * place of its checkpoints or the shared cache fails. For a readiness probe use `canServe`: the
   * chain still answers while one provider fails.
   */
  readonly checkHealth: (options?: CallOptions) => Promise<HealthReport>
  /** Refuses new calls, waits for running ones, flushes the audit trail and wipes all values. */
  readonly close: (options?: CloseOptions) => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}
