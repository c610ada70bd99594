import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { garbled, listOf } from '../model/answers.ts'
import type { Api } from '../client/api.ts'
import { amended } from '../errors/store-error.ts'

/** Sets these tags, drops those that are null. */
export async function setTags(
  api: Api,
  secretId: string,
  tags: Readonly<Record<string, string | null>>,
  context: CallContext,
): Promise<void> {
  const entries = Object.entries(tags)
  const set = entries.flatMap(([Key, Value]) => (Value === null ? [] : [{ Key, Value }]))
  const dropped = entries.flatMap(([key, value]) => (value === null ? [key] : []))
  if (set.length > 0) await api.call('TagResource', { SecretId: secretId, Tags: set }, context)
  if (dropped.length === 0) return
  const [drop] = await Promise.allSettled([api.call('UntagResource', { SecretId: secretId, TagKeys: dropped }, context)])
  if (drop.status === 'fulfilled') return
  throw set.length > 0 && SecretsError.isInstance(drop.reason) ? amended(drop.reason, halfDone) : drop.reason
}

const halfDone = { effect: 'unknown', remedy: 'tags are set, and none is dropped: do it again' } as const

interface AnsweredTag {
  readonly Key?: string | undefined
  readonly Value?: string | undefined
}

/** As an object with own properties only, whatever the keys are. */
export function tagsOf(answered: readonly AnsweredTag[] | undefined): Record<string, string> {
  return Object.fromEntries(
    listOf(answered).map(({ Key: key, Value: value = '' }) => {
      if (typeof key !== 'string' || typeof value !== 'string') throw garbled()
      return [key, value]
    }),
  )
}
