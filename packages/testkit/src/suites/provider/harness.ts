import type { SecretProvider } from '@finchat/secrets-core'
import type { ProviderManifest } from '@finchat/secrets-core/provider'

/** Any runner's test function: vitest's `test`, node:test's `test`, mocha's `it`. */
export type TestFunction = (name: string, run: () => Promise<void>) => unknown

/** A way in which a store fails. */
export type Breakage = 'denied' | 'unauthenticated' | 'unreachable' | 'hung' | 'throttled' | 'garbage' | 'failing' | 'lost' | 'garbled'

/** What a harness can cause: the store fails, or the secret is withdrawn. */
export type FailureMode = Breakage | 'withdrawn'

/** Ends a breakage. */
export type Repair = () => Promise<void>

/** One provider over one fresh, empty store; the suite makes one for each test, or for a few. */
export interface ProviderHarness {
  readonly provider: SecretProvider
  /** Makes this the current value by the store's own means; over an existing secret, as another version. */
  readonly seed: (path: string, value: string | Uint8Array) => Promise<void>
  /** Withdraws the secret by the store's own means. Absent: the suite calls the provider's `delete`. */
  readonly withdraw?: ((path: string) => Promise<void>) | undefined
  /**
   * Breaks the store, for this path at least, and returns what repairs it. `denied`: a policy forbids the call.
   * `unauthenticated`: the credential is refused. `unreachable`: no connection. `hung`: the call is never answered.
   * `throttled`: the store asks to retry later. `garbage`: the answer is invalid, or the stored
   * secret damaged. Three are optional. `failing`: the store answers that it failed, such as HTTP
   * 503. `lost`: it does what it is asked, and its answer is lost. `garbled`: it does what it is
   * asked, and answers a write with garbage that says success.
   */
  readonly breakStore: Partial<Record<Breakage, (path: string) => Promise<Repair>>>
  /** Breakages in which what is open still answers reads, as a file that others have locked does. */
  readonly readableWhen?: readonly Breakage[] | undefined
  /** How many calls reached the store. Proves that bad input is refused before any call. */
  readonly requests?: (() => number) | undefined
  /** How many of them read or wrote a secret. Proves that a health check needs access to none. */
  readonly secretRequests?: (() => number) | undefined
  /** Texts such as the token, which no error may contain. The suite learns those of HTTP headers by itself. */
  readonly credentials?: readonly string[] | undefined
  /** The nth path to test with, for stores with a narrow grammar. Default: `suite/secret-n`. */
  readonly path?: ((n: number) => string) | undefined
  /** Ends the store. The suite has closed the provider before. */
  readonly close: () => Promise<void>
}

/** Options of `testSecretProvider`. */
export interface ProviderSuiteOptions {
  readonly test: TestFunction
  /** The provider's public manifest. The suite checks it, and skips only by it and by `cannotHappen`. */
  readonly manifest: ProviderManifest
  readonly createHarness: () => Promise<ProviderHarness>
  /** Failures that this store cannot have, each with the reason: `{ throttled: 'a file has no quota' }`. */
  readonly cannotHappen?: Partial<Record<FailureMode, string>> | undefined
}
