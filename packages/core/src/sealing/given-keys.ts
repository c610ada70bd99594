import { described } from '../errors/format.ts'
import type { SecretsError } from '../errors/secrets-error.ts'
import { configurationError } from '../options/check-option.ts'
import type { EncryptionKey } from './encryption-key.ts'

/** At least one key: the first seals, all of them open. */
export type GivenKeys = readonly [EncryptionKey, ...EncryptionKey[]]

/**
 * Returns the keys that options give: one as `option`, or a ring as `keys`. `undefined` if they
 * give neither. Throws `CONFIGURATION` if they give both, or `keys` is no array or empty. Each key
 * is then for `parseKey` to check.
 *
 * @example
 * import { generateKey, givenKeys } from '@finchat/secrets-core/sealing'
 *
 * console.log(givenKeys('key', generateKey(), undefined)?.length) // 1
 */
export function givenKeys(option: string, key: EncryptionKey | undefined, keys: unknown): GivenKeys | undefined {
  if (key !== undefined && keys !== undefined)
    throw configurationError(`\`${option}\` and \`keys\` are both given`, 'give `keys` alone, the sealing key first')
  if (keys === undefined) return key === undefined ? undefined : [key]
  if (!Array.isArray(keys)) throw configurationError(`\`keys\` is ${described(keys)} instead of an array`, `for one key give \`${option}\``)
  const [first, ...others]: EncryptionKey[] = keys
  if (first === undefined) throw missingKey(option)
  return [first, ...others]
}

/**
 * Returns the error for options without an encryption key, which is given as `option`.
 *
 * @example
 * import { missingKey } from '@finchat/secrets-core/sealing'
 *
 * console.log(missingKey('key').code) // CONFIGURATION
 */
export function missingKey(option: string): SecretsError {
  const remedy = `give \`${option}\`, the same in every process and at every start; generateKey() makes one, once`
  return configurationError('no encryption key is given', remedy)
}
