import type { CallContext } from '@finchat/secrets-core'
import type { Api } from './api.ts'

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
  if (dropped.length > 0) await api.call('UntagResource', { SecretId: secretId, TagKeys: dropped }, context)
}

/** As an object with own properties only, whatever the keys are. */
export function tagsOf(
  tags: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] = [],
): Record<string, string> {
  return Object.fromEntries(tags.flatMap(({ Key, Value }) => (Key === undefined ? [] : [[Key, Value ?? '']])))
}
