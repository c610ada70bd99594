import { own, ownMembers } from '../errors/own-properties.ts'
import type { ListedSecret, SecretDescription, StagedReceipt, StagedSecret, StoredSecret, WriteReceipt } from '../contract/provider.ts'

const secretMembers = ['value', 'shape', 'version', 'revision', 'currentSince', 'currentNotBefore', 'expiresAt', 'exclusive']

/** Copies the known members of a store's answer; `undefined` if it is no secret. */
export function storedSecretOf(answer: unknown): StoredSecret | undefined {
  const secret = typeof answer === 'object' && answer !== null ? ownMembers(answer, secretMembers) : undefined
  return isStoredSecret(secret) ? secret : undefined
}

export function isStoredSecret(answer: unknown): answer is StoredSecret {
  if (typeof answer !== 'object' || answer === null) return false
  const { value, version, revision, currentSince, currentNotBefore, expiresAt } = answer as {
    readonly [member in keyof StoredSecret]?: unknown
  } // each is checked below
  const hasValue = typeof value === 'string' || value instanceof Uint8Array
  const hasVersion = version === undefined || (Number.isSafeInteger(version) && Number(version) > 0)
  const times = [currentSince, currentNotBefore, expiresAt]
  return hasValue && hasVersion && isAbsentOr('string', revision) && times.every((time) => isAbsentOr('number', time))
}

/** With what a staged version tells; `undefined` if a target could not fence by its attempt. */
export function stagedSecretOf(answer: unknown): StagedSecret | undefined {
  const secret = storedSecretOf(answer)
  const [attempt, stagedAt] = [own(answer, 'attempt'), own(answer, 'stagedAt')]
  const isStaged = (attempt === undefined || (Number.isSafeInteger(attempt) && Number(attempt) > 0)) && isAbsentOr('number', stagedAt)
  return secret && isStaged ? { ...secret, ...only(['attempt', 'stagedAt'], answer), ...textsOf('note', answer) } : undefined
}

function isAbsentOr(type: 'string' | 'number', member: unknown): boolean {
  return member === undefined || (typeof member === type && !Number.isNaN(member))
}

/**
 * Copies only the members of a description, since a careless provider may return the whole secret.
 */
export function descriptionOf(answer: unknown): SecretDescription {
  const versions = own(answer, 'versions')
  const facts = only(['version', 'revision', 'currentSince', 'currentNotBefore', 'expiresAt', 'exclusive'], answer)
  return { ...facts, ...textsOf('tags', answer), ...(Array.isArray(versions) && { versions: versions.map(versionOf) }) }
}

function versionOf(version: unknown): Pick<StoredSecret, 'version' | 'revision' | 'currentSince'> {
  return only(['version', 'revision', 'currentSince'], version)
}

/** Only text: an object could hold anything. */
function textsOf<Member extends string>(member: Member, answer: unknown): { readonly [each in Member]?: Readonly<Record<string, string>> } {
  const texts = own(answer, member)
  if (typeof texts !== 'object' || texts === null) return {}
  const kept = Object.entries(texts).filter(([, text]) => typeof text === 'string')
  return { [member]: Object.fromEntries(kept) } as { [each in Member]: Record<string, string> } // its only member
}

export function receiptOf(answer: unknown): WriteReceipt {
  return only(['version', 'revision'], answer)
}

export function stagedReceiptOf(answer: unknown): StagedReceipt {
  return only(['version', 'revision', 'attempt'], answer)
}

export function deletionOf(answer: unknown): { readonly restorableUntil?: number | undefined } {
  return only(['restorableUntil'], answer)
}

export function listedOf(answer: ListedSecret): ListedSecret {
  return { path: answer.path, ...textsOf('tags', answer) }
}

function only(keys: readonly string[], answer: unknown): object {
  return Object.fromEntries(keys.map((key) => [key, own(answer, key)] as const).filter(([, value]) => value !== undefined))
}

export function wipe(secret: SecretDescription | StoredSecret | undefined): void {
  if (secret !== undefined && 'value' in secret && secret.value instanceof Uint8Array) secret.value.fill(0)
}
