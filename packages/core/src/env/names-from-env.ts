import type { NamesOptions } from '../chain/locator.ts'
import type { EnvironmentReader } from './environment-reader.ts'

/**
 * Reads `names`, `prefix` and `onlyNamed` of a provider from variables: of the store `VAULT` these
 * are `FINCHAT_VAULT_NAMES`, `FINCHAT_VAULT_PREFIX` and `FINCHAT_VAULT_ONLY_NAMED`. A combination
 * under which the provider would never be asked is a problem.
 *
 * @example
 * import { type ProviderFromEnv, secretsManagerFromEnv } from '@finchat/secrets-core'
 * import { locator, namesFromEnv } from '@finchat/secrets-core/provider'
 *
 * const env = { FINCHAT_SECRETS_PROVIDER: 'own', FINCHAT_OWN_NAMES: 'DB=prod/db', FINCHAT_OWN_ONLY_NAMED: 'true', LOG_LEVEL: 'info' }
 * const own: ProviderFromEnv = (variables) => ({
 *   specificationVersion: 'v1', name: 'own', locate: locator(namesFromEnv(variables, 'OWN')), get: async (path) => ({ value: path }),
 * })
 * const secrets = secretsManagerFromEnv({ own }, { env })
 * console.log(await secrets.getSecret('DB'), await secrets.getSecret('LOG_LEVEL')) // prod/db info
 */
export function namesFromEnv(env: EnvironmentReader, store: string): NamesOptions {
  const variable = (option: string): string => `FINCHAT_${store}_${option}`
  const [listed, before, only] = [variable('NAMES'), variable('PREFIX'), variable('ONLY_NAMED')]
  const names = env.names(listed)
  const prefix = env.optional(before)
  const onlyNamed = switchFromEnv(env, only) ?? false
  if (onlyNamed && prefix !== undefined) env.problem(`${before} goes before no name while ${only} is true: unset one of them`)
  if (onlyNamed && env.optional(listed) === undefined) env.problem(`${only} is true, but ${listed} names nothing to ask for`)
  return { names, prefix, onlyNamed }
}

/**
 * Reads a variable that is `true` or `false`; `undefined` if it is not set. Anything else is a
 * problem: a misspelt `true` must not pass for `false`.
 *
 * @example
 * import { type ProviderFromEnv, secretsManagerFromEnv } from '@finchat/secrets-core'
 * import { switchFromEnv } from '@finchat/secrets-core/provider'
 *
 * const own: ProviderFromEnv = (variables) => ({ specificationVersion: 'v1', name: 'own', get: async () => ({ value: String(switchFromEnv(variables, 'FINCHAT_OWN_FAST')) }) })
 * const secrets = secretsManagerFromEnv({ own }, { env: { FINCHAT_SECRETS_PROVIDER: 'own', FINCHAT_OWN_FAST: 'true' } })
 * console.log(await secrets.getSecret('fast')) // true
 */
export function switchFromEnv(env: EnvironmentReader, variable: string): boolean | undefined {
  const text = env.optional(variable)
  if (text === undefined) return undefined
  if (text !== 'true' && text !== 'false') env.problem(`${variable} is neither true nor false`)
  return text === 'true'
}
