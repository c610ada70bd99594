import { member } from '@finchat/secrets-core/http'
import { type SecretDescription, SecretsError, type StoredSecret } from '@finchat/secrets-core'
import { isJsonObject, jsonTextAt } from '@finchat/secrets-core/provider'
import { type JsonObject, timeOf, type VaultAnswer } from '../http/answer.ts'

/** Identifies a version. A version of KV v2 is current from its creation. */
export interface VersionMetadata extends Pick<StoredSecret, 'expiresAt'> {
  readonly version: number
  readonly revision: string
  readonly currentSince: number
}

/** The secret in an answer of KV v2. Throws `INTERNAL` for any other answer. */
export function versionedSecret(answer: VaultAnswer): StoredSecret {
  const facts = metadataOf(answer, member(answer.body, 'data', 'metadata'))
  // A secret written as `{"data":null}` has no fields.
  if (member(answer.body, 'data', 'data') === null) return { value: '{}', shape: 'map', ...facts }
  return { ...fieldsAt(answer, ['data', 'data']), ...facts }
}

export function plainSecret(answer: VaultAnswer): StoredSecret {
  return fieldsAt(answer, ['data'])
}

/** Fields that are no text stay as the server wrote them: JavaScript would round numbers. */
function fieldsAt(answer: VaultAnswer, keys: readonly string[]): Pick<StoredSecret, 'value' | 'shape'> {
  const fields = member(answer.body, ...keys)
  if (!isJsonObject(fields)) throw unexpectedAnswer(answer)
  const value = isOfTexts(fields) ? JSON.stringify(fields) : jsonTextAt(answer.text, keys)
  if (value === undefined) throw unexpectedAnswer(answer)
  return { value, shape: 'map' }
}

function isOfTexts(fields: JsonObject): boolean {
  for (const name in fields) if (typeof fields[name] !== 'string') return false
  return true
}

/** The number and the creation time: a purge restarts the numbers, but times never repeat. */
export function metadataOf(answer: VaultAnswer, metadata: unknown, version: unknown = member(metadata, 'version')): VersionMetadata {
  const revision = member(metadata, 'created_time')
  const [currentSince, expiresAt] = [momentOf(revision), endOf(member(metadata, 'deletion_time'))]
  const areMoments = !Number.isNaN(currentSince) && !Number.isNaN(expiresAt)
  if (typeof revision !== 'string' || !areMoments || typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1)
    throw unexpectedAnswer(answer)
  return { version, revision, currentSince, ...(expiresAt !== undefined && { expiresAt }) }
}

/** A version may have a future deletion time (`delete_version_after`). */
function endOf(deletionTime: unknown): number | undefined {
  return deletionTime === '' || deletionTime === undefined ? undefined : momentOf(deletionTime)
}

/** Converts RFC 3339 to epoch milliseconds; NaN for anything else. */
function momentOf(time: unknown): number {
  return typeof time === 'string' && /^\d{4}-\d\d-\d\dT/.test(time) ? Date.parse(time) : Number.NaN
}

export interface SecretRecord {
  /** The last version's number, deleted or not; 0 if there is none. */
  readonly last: number
  readonly versions: readonly VersionRecord[]
  readonly tags: Readonly<Record<string, string>>
}

interface VersionRecord extends VersionMetadata {
  readonly isDestroyed: boolean
  /** By the server's clock, because ours may be behind. */
  readonly isDeleted: boolean
}

export function recordOf(answer: VaultAnswer): SecretRecord {
  const [data, now] = [member(answer.body, 'data'), timeOf(answer)]
  const versions = member(data, 'versions') ?? {}
  const last = member(data, 'current_version')
  if (!isJsonObject(versions) || typeof last !== 'number') throw unexpectedAnswer(answer)
  return {
    last,
    versions: Object.entries(versions).map(([number, metadata]) => versionRecord(answer, metadata, Number(number), now)),
    tags: textsOf(member(data, 'custom_metadata')),
  }
}

function versionRecord(answer: VaultAnswer, metadata: unknown, number: number, now: number): VersionRecord {
  const facts = metadataOf(answer, metadata, number)
  return {
    ...facts,
    isDestroyed: member(metadata, 'destroyed') === true,
    isDeleted: facts.expiresAt !== undefined && facts.expiresAt <= now,
  }
}

export function currentOf({ last, versions }: SecretRecord): VersionRecord | undefined {
  return versions.find(({ version }) => version === last)
}

export function descriptionOf(record: SecretRecord, { version, revision, currentSince, expiresAt }: VersionMetadata): SecretDescription {
  const live = record.versions.filter(({ isDestroyed, isDeleted }) => !isDestroyed && !isDeleted)
  const versions = live.map((one) => ({ version: one.version, revision: one.revision, currentSince: one.currentSince }))
  return { version, revision, currentSince, ...(expiresAt !== undefined && { expiresAt }), tags: record.tags, versions }
}

function textsOf(tags: unknown): Record<string, string> {
  const texts = Object.entries(isJsonObject(tags) ? tags : {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.fromEntries(texts)
}

export function unexpectedAnswer({ status, text }: VaultAnswer): SecretsError {
  const problem = text === '' ? 'the answer has no content, as no KV mount sends it' : 'the answer is not what a KV mount answers'
  return new SecretsError('INTERNAL', problem, { storeStatus: String(status), remedy: 'check that `mount` is a KV mount' })
}
