import { configurationError } from '@finchat/secrets-core/provider'
import { type Branch, damaged, type Node } from './tree.ts'

/** What a SOPS file says of itself. Only `lastModified` is authenticated, by the MAC. */
interface Metadata {
  readonly mac: string
  readonly lastModified: string
  readonly isMacOnlyEncrypted: boolean
  /** The data key, encrypted to each age recipient. */
  readonly ageKeys: readonly string[]
}

/** A file's secrets, and what it says of itself. */
export interface SopsFile {
  readonly entries: Branch['entries']
  readonly metadata: Metadata
}

/** Each is a file of its own that is tried. */
const mostAgeKeys = 64

/** Splits a document. Throws `INTEGRITY` without a MAC, `CONFIGURATION` without an age recipient. */
export function splitDocument(document: Node): SopsFile {
  if (document.kind !== 'map') throw damaged('is no map')
  const nested = document.entries.find(([key]) => key === 'sops')?.[1]
  const fields = nested?.kind === 'map' ? fieldsOf(nested) : flatFieldsOf(document)
  const isOurs = nested?.kind === 'map' ? (key: string) => key === 'sops' : (key: string) => key.startsWith(flatPrefix)
  return { entries: document.entries.filter(([key]) => !isOurs(key)), metadata: metadataIn(fields) }
}

type Fields = ReadonlyMap<string, string>

const flatPrefix = 'sops_'

/** Of dotenv, `sops_age__list_0__map_enc` and the like. */
function flatFieldsOf({ entries }: Branch): Fields {
  return new Map(entries.flatMap(([key, node]) => (key.startsWith(flatPrefix) ? [[key.slice(flatPrefix.length), textOf(node)]] : [])))
}

/** Under the names that dotenv has for them. */
function fieldsOf(node: Node, name = ''): Fields {
  if (node.kind === 'leaf') return new Map([[name, textOf(node)]])
  const below =
    node.kind === 'list'
      ? node.items.map((item, index) => fieldsOf(item, `${name}__list_${index}`))
      : node.entries.map(([key, value]) => fieldsOf(value, name === '' ? key : `${name}__map_${key}`))
  return new Map(below.flatMap((fields) => [...fields]))
}

function textOf(node: Node): string {
  return node.kind === 'leaf' ? String(node.value) : ''
}

function metadataIn(fields: Fields): Metadata {
  const [mac, lastModified] = [fields.get('mac') ?? '', fields.get('lastmodified') ?? '']
  if (mac === '') throw damaged('has no MAC')
  // Else a value could pass for the MAC: the additional data of a value ends with a colon.
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/.test(lastModified)) throw damaged('has no time of its last change')
  return { mac, lastModified, isMacOnlyEncrypted: fields.get('mac_only_encrypted') === 'true', ageKeys: ageKeysIn(fields) }
}

function ageKeysIn(fields: Fields): readonly string[] {
  if ([...fields.keys()].some((name) => name.startsWith('key_groups__'))) {
    throw configurationError('the SOPS file splits its data key over key groups', 'encrypt it to age recipients in one group')
  }
  const keys = [...fields].flatMap(([name, text]) => (/^age__list_\d+__map_enc$/.test(name) ? [text] : []))
  if (keys.length > 0 && keys.length <= mostAgeKeys) return keys
  throw configurationError(`the SOPS file has ${keys.length} age recipients`, `encrypt it to 1 to ${mostAgeKeys}, by sops --age`)
}
