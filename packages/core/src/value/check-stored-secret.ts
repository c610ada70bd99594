import { own, ownMembers } from '../errors/own-properties.ts'
import type { ListedSecret, SecretDescription, StoredSecret, WriteReceipt } from '../contract/provider.ts'

const secretMembers = ['value', 'shape', 'version', 'revision', 'currentSince', 'expiresAt', 'exclusive']

/** Copies the known members of a store's answer; `undefined` if it is no secret. */
export function storedSecretOf(answer: unknown): StoredSecret | undefined {
  const secret = typeof answer === 'object' && answer !== null ? ownMembers(answer, secretMembers) : undefined
  return isStoredSecret(secret) ? secret : undefined
}

export function isStoredSecret(answer: unknown): answer is StoredSecret {
  if (typeof answer !== 'object' || answer === null) return false
  const { value, version, revision, currentSince, expiresAt } = answer as { readonly [member in keyof StoredSecret]?: unknown } // each is checked below
  const hasValue = typeof value === 'string' || value instanceof Uint8Array
  const hasVersion = version === undefined || (Number.isSafeInteger(version) && Number(version) > 0)
  return hasValue && hasVersion && isAbsentOr('string', revision) && isAbsentOr('number', currentSince) && isAbsentOr('number', expiresAt)
}

function isAbsentOr(type: 'string' | 'number', member: unknown): boolean {
  return member === undefined || (typeof member === type && !Number.isNaN(member))
}

/**
 * Copies only the members of a description, since a careless provider may return the whole secret.
 */
export function descriptionOf(answer: unknown): SecretDescription {
  const versions = own(answer, 'versions')
  const facts = only(['version', 'revision', 'currentSince', 'expiresAt', 'exclusive'], answer)
  return { ...facts, ...tagsOf(own(answer, 'tags')), ...(Array.isArray(versions) && { versions: versions.map(versionOf) }) }
}

function versionOf(version: unknown): Pick<StoredSecret, 'version' | 'revision' | 'currentSince'> {
  return only(['version', 'revision', 'currentSince'], version)
}

/** Only text: an object could hold anything. */
function tagsOf(tags: unknown): Pick<SecretDescription, 'tags'> {
  if (typeof tags !== 'object' || tags === null) return {}
  return { tags: Object.fromEntries(Object.entries(tags).filter(([, tag]) => typeof tag === 'string')) }
}

export function receiptOf(answer: unknown): WriteReceipt {
  return only(['version', 'revision'], answer)
}

export function deletionOf(answer: unknown): { readonly restorableUntil?: number | undefined } {
  return only(['restorableUntil'], answer)
}

export function listedOf(answer: ListedSecret): ListedSecret {
  return { path: answer.path, ...tagsOf(own(answer, 'tags')) }
}

function only(keys: readonly string[], answer: unknown): object {
  return Object.fromEntries(keys.map((key) => [key, own(answer, key)] as const).filter(([, value]) => value !== undefined))
}

export function wipe(secret: SecretDescription | StoredSecret | undefined): void {
  if (secret !== undefined && 'value' in secret && secret.value instanceof Uint8Array) secret.value.fill(0)
}
