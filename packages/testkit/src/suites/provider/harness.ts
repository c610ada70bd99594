import type { SecretProvider } from '@finchat/secrets-core'
import type { ProviderManifest } from '@finchat/secrets-core/provider'

/** Any runner's test function: vitest's `test`, node:test's `test`, mocha's `it`. */
export type TestFunction = (name: string, run: () => Promise<void>) => unknown

/** A way in which a store fails. */
export type Breakage = 'denied' | 'unauthenticated' | 'unreachable' | 'hung' | 'throttled' | 'garbage'

/** What can happen to a secret in its store: the store fails, or somebody withdraws the secret. */
export type FailureMode = Breakage | 'withdrawn'

/** Ends a breakage. */
export type Repair = () => Promise<void>

/** One provider over one fresh, empty store; the suite makes one for each test. */
export interface ProviderHarness {
  readonly provider: SecretProvider
  /** Makes this the current value at the path by the store's own means; over a secret that is there, another version. */
  readonly seed: (path: string, value: string | Uint8Array) => Promise<void>
  /** Withdraws the secret by the store's own means. Absent: the suite calls the provider's `delete`. */
  readonly withdraw?: ((path: string) => Promise<void>) | undefined
  /**
   * Breaks the store, for this path at least, and returns what repairs it. `denied`: a policy forbids. `unauthenticated`: the credential is refused.
   * `unreachable`: no connection. `hung`: it accepts the call and never answers. `throttled`: it asks to come back later.
   * `garbage`: it answers what no such store answers, or what was stored is damaged.
   */
  readonly breakStore: Partial<Record<Breakage, (path: string) => Promise<Repair>>>
  /** How many calls reached the store. With it, the suite proves that bad input is refused before any call. */
  readonly requests?: (() => number) | undefined
  /** The nth path to test with, for stores of a narrow grammar. Default: `suite/secret-n`. */
  readonly path?: ((n: number) => string) | undefined
  /** Ends the store; the suite has closed the provider. */
  readonly close: () => Promise<void>
}

export interface ProviderSuiteOptions {
  readonly test: TestFunction
  /** The provider's public statement; the suite checks that it is true, and skips by it and by `cannotHappen` only. */
  readonly manifest: ProviderManifest
  readonly createHarness: () => Promise<ProviderHarness>
  /** What cannot happen to this store, each with the reason: `{ throttled: 'a file has no quota' }`. */
  readonly cannotHappen?: Partial<Record<FailureMode, string>> | undefined
}
