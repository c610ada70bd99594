import { checkedTags, type TagRules } from '@finchat/secrets-core/provider'
import { limits } from '../shared/manifest.ts'

/** Tags are annotations, since the value of a label has at most 63 characters. */
const tagPrefix = 'tag.secrets.finchat/'

/** On a Secret whose data was removed by `delete` without a purge, with the time. */
export const deletedMark = 'secrets.finchat/deleted'

/** The id of the last write. */
export const writeMark = 'secrets.finchat/write'

/**
 * Where tools keep the whole object as they applied it, with its values: `kubectl apply` without
 * `--server-side`, and kapp. Whoever changes the values removes these copies.
 * https://kubernetes.io/docs/reference/labels-annotations-taints/
 */
export const withoutCopies: Readonly<Record<string, null>> = {
  'kubectl.kubernetes.io/last-applied-configuration': null,
  'kapp.k14s.io/original': null,
}

const tagRules: TagRules = {
  most: limits.tags,
  isKey: (key) => key.length <= limits.tagKeyCharacters && /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(key),
  isValue: (value) => Buffer.byteLength(value) <= limits.tagValueBytes,
  remedy: `use keys of 1 to ${limits.tagKeyCharacters} letters, digits, -, _ and ., and values of at most ${limits.tagValueBytes} bytes`,
}

/** The annotations that hold these tags. Throws `INVALID_ARGUMENT` unless every tag can be held; `null` removes one. */
export function annotationsOf(tags: unknown): Record<string, string | null> {
  return Object.fromEntries(Object.entries(checkedTags(tags, tagRules)).map(([key, value]) => [tagPrefix + key, value]))
}

export function tagsIn(annotations: Readonly<Record<string, unknown>>): Record<string, string> {
  const ours = Object.entries(annotations).filter(
    (entry): entry is [string, string] => entry[0].startsWith(tagPrefix) && typeof entry[1] === 'string',
  )
  return Object.fromEntries(ours.map(([key, value]) => [key.slice(tagPrefix.length), value]))
}
