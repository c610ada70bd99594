import { type CallContext, type SecretProvider, SecretsError } from '@finchat/secrets-core'
import { checkedTags, withDetails } from '@finchat/secrets-core/provider'
import type { Api } from '../client/api.ts'
import { settle } from '../client/settle.ts'
import { assertPath, tagRules } from '../model/input.ts'

export function tagSecret(api: Api): NonNullable<SecretProvider['tag']> {
  return async (path, tags, context) => {
    assertPath(path)
    await setTags(api, path, checkedTags(tags, tagRules), context)
  }
}

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
  const drop = await settle(api.call('UntagResource', { SecretId: secretId, TagKeys: dropped }, context))
  if (drop.status === 'fulfilled') return
  throw set.length > 0 && SecretsError.isInstance(drop.reason) ? withDetails(drop.reason, halfDone) : drop.reason
}

const halfDone = { effect: 'unknown', remedy: 'tags are set, and none is dropped: do it again' } as const
