import type { CallContext, SecretFields, SecretValue } from '@finchat/secrets-core'

/** Makes a new value: the options of a rotation name one. */
export type Generate = () => Promise<string> | string

/** Orders the writes of one secret at its target, from all rotators. */
export interface Fence {
  /** The name of the secret, for messages. */
  readonly secret: string
  /**
   * Twice the staged attempt, plus one to roll it back. A target refuses a token below the highest
   * that it has seen.
   */
  readonly token: number
}

/**
 * Where a secret is set: a database, a cache server, an API. Members reject with a `SecretsError`.
 *
 * @example
 * import type { RotationTarget } from '@finchat/secrets-rotation'
 *
 * const accounts = new Map<string, string>()
 * const target: RotationTarget = {
 *   next: async (_current, generate) => generate(),
 *   apply: async (value) => void accounts.set('app', value.reveal()), // not fenced
 *   test: async (value) => (accounts.get('app') === value.reveal() ? 'accepted' : 'refused'),
 * }
 * console.log(Object.keys(target)) // [ 'next', 'apply', 'test' ]
 */
export interface RotationTarget {
  /** Returns the value that follows `current`. It may name another user. Changes nothing. */
  readonly next: (current: SecretValue, generate: Generate) => Promise<string | SecretFields>
  /**
   * Sets the value, so that it outlasts a restart of the target once this resolves. The same value
   * again is no error. `current`, which a rotation always passes,
   * stays valid where the target has room for two. Rejects with `VERSION_CONFLICT`, and changes
   * nothing, if a higher token was there before.
   */
  readonly apply: (value: SecretValue, fence: Fence, context: CallContext, current?: SecretValue) => Promise<void>
  /**
   * Uses the value as a client does. `refused` means that the target refuses this value. Every
   * other failure is a rejection, since it proves nothing about the value.
   */
  readonly test: (value: SecretValue, context: CallContext) => Promise<'accepted' | 'refused'>
  /**
   * Withdraws `old`, whose grace period is over; `current` stays valid. Rejects with
   * `VERSION_CONFLICT` as `apply` does.
   */
  readonly retire?: ((old: SecretValue, current: SecretValue, fence: Fence, context: CallContext) => Promise<void>) | undefined
  /**
   * Whether two versions hold the same credential, though other fields may differ. Absent: if their
   * content is the same.
   */
  readonly isSameCredential?: ((one: SecretValue, other: SecretValue) => boolean) | undefined
  /** Returns how many sessions still use `old`. Absent: the target cannot tell. */
  readonly sessions?: ((old: SecretValue, context: CallContext) => Promise<number>) | undefined
}
