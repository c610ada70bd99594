import { type CallContext, type SecretProvider, SecretsError } from '@finchat/secrets-core'
import { checkedTags, hasCode, withDetails } from '@finchat/secrets-core/provider'
import type { Api } from '../client/api.ts'
import { tagRules } from '../model/input.ts'
import { writableName } from '../model/names.ts'

export function tagParameter(api: Api): NonNullable<SecretProvider['tag']> {
  return async (path, tags, context) => {
    const name = writableName(path)
    await setTags(api, name, checkedTags(tags, tagRules), context)
  }
}

/** Sets these tags, drops those that are null. */
export async function setTags(api: Api, name: string, tags: Readonly<Record<string, string | null>>, context: CallContext): Promise<void> {
  const target = { ResourceType: 'Parameter' as const, ResourceId: name }
  const set = Object.entries(tags).flatMap(([Key, Value]) => (Value === null ? [] : [{ Key, Value }]))
  const dropped = Object.keys(tags).filter((key) => tags[key] === null)
  if (set.length > 0) await api.call('AddTagsToResource', { ...target, Tags: set }, context)
  if (dropped.length === 0) return
  try {
    await api.call('RemoveTagsFromResource', { ...target, TagKeys: dropped }, context)
  } catch (error) {
    const isHalfDone = set.length > 0 && SecretsError.isInstance(error)
    throw isHalfDone ? withDetails(error, { effect: 'unknown', remedy: 'tags are set, and none is dropped: do it again' }) : error
  }
}

/** Deletes every version and the tags, for good. */
export function deleteParameter(api: Api): NonNullable<SecretProvider['delete']> {
  return async (path, { purge }, context) => {
    const name = writableName(path)
    if (!purge) throw new SecretsError('UNSUPPORTED', 'Parameter Store cannot undo a delete', { remedy: 'delete with `purge: true`' })
    try {
      await api.call('DeleteParameter', { Name: name }, context)
    } catch (error) {
      // The SDK repeated a call whose answer was lost.
      if (!hasCode(error, 'NOT_FOUND') || error.effect !== 'unknown') throw error
    }
    return {}
  }
}
