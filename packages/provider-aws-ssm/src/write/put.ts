import { type CallContext, type NewSecret, SecretsError, type WriteReceipt } from '@finchat/secrets-core'
import { isWholeNumber, withDetails } from '@finchat/secrets-core/provider'
import type { Api } from '../client/api.ts'
import { unexpectedAnswer } from '../model/answers.ts'
import { type CheckedSecret, checkSecret } from '../model/input.ts'
import type { CheckedOptions } from '../model/options.ts'
import { writableName } from '../model/names.ts'
import { setTags } from './change.ts'

/**
 * Makes this the newest version, as a SecureString. Only a first version is conditional: AWS has no
 * other comparison than `Overwrite: false`.
 */
export async function put(
  api: Api,
  { keyId, tier }: Pick<CheckedOptions, 'keyId' | 'tier'>,
  path: string,
  secret: NewSecret,
  context: CallContext,
): Promise<WriteReceipt> {
  const name = writableName(path)
  const { value, isFirst, tags } = checkSecret(secret, tier)
  const choices = { ...(keyId !== undefined && { KeyId: keyId }), ...(tier !== undefined && { Tier: tier }) }
  const input = { Name: name, Value: value, Type: 'SecureString' as const, Overwrite: !isFirst, ...choices }
  const { Version: version } = await api.call('PutParameter', input, context)
  if (!isWholeNumber(version, 1, Number.MAX_SAFE_INTEGER)) throw withDetails(unexpectedAnswer(), { effect: 'unknown' })
  await tagAfterwards(api, name, tags, context)
  return { version }
}

/** Tags follow the version: a refused write changes none, and AWS takes none with `Overwrite`. */
async function tagAfterwards(api: Api, name: string, tags: CheckedSecret['tags'], context: CallContext): Promise<void> {
  try {
    await setTags(api, name, tags, context)
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
    throw withDetails(error, { effect: 'done', remedy: 'the version is written: set its tags again' })
  }
}
