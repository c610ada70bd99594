import type { SecretDescription, StoredSecret } from '@finchat/secrets-core'
import { SecretsError } from '@finchat/secrets-core'
import { member } from '@finchat/secrets-core/http'
import { isJsonObject } from '@finchat/secrets-core/provider'
import { deletedMark, tagsIn } from './annotations.ts'

/** What an answer says of a Secret, without its values. */
export interface SecretMetadata {
  readonly name: string
  readonly revision: string
  /** Of its annotations, since those of other tools may hold the values. */
  readonly tags: Readonly<Record<string, string>>
  readonly isWithdrawn: boolean
  /** It was deleted, and goes away once its finalizers are removed. */
  readonly isEnding: boolean
  /** When the object was created. Later versions were not current before. */
  readonly createdAt: number | undefined
}

export interface SecretObject extends SecretMetadata {
  readonly isImmutable: boolean
  /** In base64, by field. */
  readonly data: Readonly<Record<string, string>>
}

type Answer = Readonly<Record<string, unknown>>

/** Throws `INTERNAL` for what is no object of the API; `isWrite`: the write may have been done. */
export function metadataOf(answer: unknown, isWrite = false): SecretMetadata {
  const [name, revision] = [member(answer, 'metadata', 'name'), member(answer, 'metadata', 'resourceVersion')]
  const annotations = member(answer, 'metadata', 'annotations') ?? {}
  if (typeof name !== 'string' || typeof revision !== 'string' || revision === '' || !isJsonObject(annotations)) throw unexpected(isWrite)
  const isEnding = member(answer, 'metadata', 'deletionTimestamp') !== undefined
  const isWithdrawn = isEnding || Object.hasOwn(annotations, deletedMark)
  const createdAt = momentOf(member(answer, 'metadata', 'creationTimestamp'))
  return { name, revision, tags: tagsIn(annotations), isWithdrawn, isEnding, createdAt }
}

export function objectOf(answer: Answer): SecretObject {
  const data = member(answer, 'data') ?? {}
  if (member(answer, 'kind') !== 'Secret' || !isJsonObject(data) || !areTexts(data)) throw unexpected()
  return { ...metadataOf(answer), isImmutable: member(answer, 'immutable') === true, data }
}

/** Throws `DELETED` if it was deleted, or waits for its finalizers. */
export function assertLive({ isWithdrawn }: SecretMetadata): void {
  if (isWithdrawn) throw new SecretsError('DELETED', 'the secret was deleted', { remedy: 'write a new version with `storeSecret`' })
}

export function secretOf(object: SecretObject): StoredSecret {
  return { ...fieldsIn(object.data), ...identityOf(object) }
}

export function descriptionOf(metadata: SecretMetadata): SecretDescription {
  return { ...identityOf(metadata), tags: metadata.tags }
}

function identityOf({ revision, createdAt }: SecretMetadata): Pick<StoredSecret, 'revision' | 'currentNotBefore'> {
  return { revision, ...(createdAt !== undefined && { currentNotBefore: createdAt }) }
}

/**
 * The fields that are text, as JSON. A single field of other bytes is the value itself; beside
 * others it is left out, since JSON cannot hold it.
 */
function fieldsIn(data: SecretObject['data']): Pick<StoredSecret, 'value' | 'shape'> {
  const fields = Object.entries(data).map(([name, encoded]) => [name, decoded(encoded)] as const)
  const texts = fields.filter((field): field is [string, string] => typeof field[1] === 'string')
  const [only, ...others] = fields
  if (only !== undefined && others.length === 0 && texts.length === 0) return { value: only[1] }
  if (fields.length === 0 || texts.length > 0) return { value: JSON.stringify(Object.fromEntries(texts)), shape: 'map' }
  throw new SecretsError('INTEGRITY', 'the secret has several fields, and none is text', {
    remedy: 'keep binary fields in secrets of their own',
  })
}

/** Whether `get` shows the field. */
export function isText(encoded: string): boolean {
  return typeof decoded(encoded) === 'string'
}

/** A lenient decoder would skip characters and return other bytes. */
function decoded(encoded: string): string | Uint8Array {
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.toString('base64') !== encoded) throw new SecretsError('INTEGRITY', 'a field is not the base64 that Kubernetes sends')
  if (!process.getBuiltinModule('node:buffer').isUtf8(bytes)) return Uint8Array.from(bytes)
  const text = bytes.toString()
  bytes.fill(0)
  return text
}

function areTexts(data: Answer): data is Readonly<Record<string, string>> {
  return Object.values(data).every((value) => typeof value === 'string')
}

function momentOf(time: unknown): number | undefined {
  const at = typeof time === 'string' ? Date.parse(time) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}

function unexpected(isWrite = false): SecretsError {
  return new SecretsError('INTERNAL', 'the answer is no Secret of Kubernetes', {
    remedy: 'point `url` at the API server itself',
    effect: isWrite ? 'unknown' : undefined,
  })
}
