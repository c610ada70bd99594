import { partsOf } from '../manager/parts.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import { knownOptions } from '../options/known-options.ts'
import type { SecretValue } from '../value/secret-value.ts'
import { assertActor, assertSecretValues } from './mark-input.ts'
import { processUsageOf } from './process-usage.ts'
import { assertMarkable } from './usage-places.ts'

/** Options of `registerUse`. */
export interface RegisterUseOptions {
  /** Who uses the secret, for `rotationStatus`: up to 512 characters. Never secret. */
  readonly actor?: string | undefined
}

/** What one part of this process uses, as the fleet knows it. */
export interface RegisteredUse extends AsyncDisposable {
  /**
   * Tells the fleet that these values are used from now on, and no others. Await it before the
   * first login with a value. A later version than before is told within a second: until then this
   * process holds up a withdrawal anyway. Rejects with `UNAVAILABLE` or `DEADLINE_EXCEEDED` if the
   * shared cache cannot be asked; it is then tried again in the background. Rejects with
   * `CONFIGURATION` if something else is passed.
   */
  readonly uses: (...values: readonly SecretValue[]) => Promise<void>
}

/**
 * Registers the use of a secret by code that keeps its value. `rotationStatus` counts this process
 * until it uses the new version, or ends the use. `useSecret` and `liveSecret` do so with
 * `usageMarks: true`. Throws `CONFIGURATION` unless the manager has a shared cache that keeps marks,
 * and the secret a provider with `sharedAs`.
 *
 * @example
 * import { createSecretsManager } from '@finchat/secrets-core'
 * import { registerUse } from '@finchat/secrets-core/live'
 * import { memoryProvider, memorySharedCache } from '@finchat/secrets-testkit'
 *
 * const provider = memoryProvider({ sharedAs: 'store', secrets: { db: 'hunter2' } }) // in production: AWS, Vault
 * const secrets = createSecretsManager({ providers: [provider], cache: { shared: memorySharedCache() } })
 * const use = registerUse(secrets, 'db', { actor: 'importer' })
 * const password = await secrets.getSecretValue('db')
 * await use.uses(password) // before the login
 * await use[Symbol.asyncDispose]() // when it is not used any more; `close()` does it too
 * await secrets.close()
 */
export function registerUse(secrets: SecretsManager, name: string, options: RegisterUseOptions = {}): RegisteredUse {
  const parts = partsOf(secrets)
  const { actor } = knownOptions(options, { actor: 'string' }, 'INVALID_ARGUMENT')
  assertActor({ actor })
  assertMarkable(parts, name)
  const user = {}
  const uses = async (...values: readonly SecretValue[]): Promise<void> => {
    assertSecretValues(values)
    await processUsageOf(parts).uses(user, name, values, actor)
  }
  return { uses, [Symbol.asyncDispose]: () => uses() }
}
