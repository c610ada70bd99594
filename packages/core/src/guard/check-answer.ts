import { own, ownMembers } from '../errors/own-properties.ts'
import { SecretsError, withContext } from '../errors/secrets-error.ts'
import { asSecretsError, trustedError } from './trusted-error.ts'
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
function stagedSecretOf(answer: unknown): StagedSecret | undefined {
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
  const metadata = only(['version', 'revision', 'currentSince', 'currentNotBefore', 'expiresAt', 'exclusive'], answer)
  return { ...metadata, ...textsOf('tags', answer), ...(Array.isArray(versions) && { versions: versions.map(versionOf) }) }
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

function receiptOf(answer: unknown): WriteReceipt {
  return only(['version', 'revision'], answer)
}

function stagedReceiptOf(answer: unknown): StagedReceipt {
  return only(['version', 'revision', 'attempt'], answer)
}

function deletionOf(answer: unknown): { readonly restorableUntil?: number | undefined } {
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

export function fulfilled(value: unknown): Settled {
  return { status: 'fulfilled', value }
}

export function rejected(reason: unknown): Settled {
  return { status: 'rejected', reason }
}

export type Settled = PromiseSettledResult<unknown>

interface Asked {
  readonly method: string
  readonly args: readonly unknown[]
}

/** Copies what the method may answer; throws for anything else. */
export function checkedAnswer({ method, args }: Asked, answer: unknown, provider: string): unknown {
  switch (method) {
    case 'get':
      return checkedSecret(answer)
    case 'staging.get':
      return checkedSecret(answer, stagedSecretOf)
    case 'getVersion':
      return checkedVersion(checkedSecret(answer), args[1])
    case 'getMany':
      return checkedMany(answer, provider)
    case 'describe':
      return answer === undefined ? undefined : descriptionOf(answer)
    case 'probe':
      return answer === undefined ? undefined : receiptOf(answer)
    case 'put':
    case 'staging.promote':
      return receiptOf(answer)
    case 'staging.put':
      return stagedReceiptOf(answer)
    case 'delete':
      return deletionOf(answer)
    default:
      return answer
  }
}

function checkedSecret(given: unknown, secretOf: typeof storedSecretOf = storedSecretOf): StoredSecret | undefined {
  if (given === undefined) return undefined
  const answer = secretOf(given)
  if (answer === undefined) throw malformed('what is not a secret')
  if (answer.expiresAt !== undefined && answer.expiresAt <= Date.now()) {
    throw new SecretsError('UNAVAILABLE', 'the store answered with a secret that has expired', {
      remedy: "compare this machine's clock with the store's",
    })
  }
  return answer
}

function checkedVersion(secret: StoredSecret | undefined, asked: unknown): StoredSecret | undefined {
  if (secret === undefined || asked === 'previous' || secret.version === asked) return secret
  throw malformed('another version than the one asked for')
}

function checkedMany(answer: unknown, provider: string): PromiseSettledResult<StoredSecret | undefined>[] {
  if (!Array.isArray(answer)) throw malformed('another number of secrets than asked for')
  return answer.map((each: Settled) => {
    try {
      if (each.status === 'rejected') throw each.reason
      return { status: 'fulfilled', value: checkedSecret(each.value) }
    } catch (error) {
      return { status: 'rejected', reason: withContext(asSecretsError(error), { provider }) }
    }
  })
}

/**
 * Copies the results, since reading a provider's objects may throw; `undefined` if the count is
 * wrong.
 */
export function settledMany(answer: unknown, paths: unknown): readonly Settled[] | undefined {
  if (!Array.isArray(paths) || !isOfLength(answer, paths.length)) return undefined
  // `map` would keep holes, and a hole is no answer.
  return Array.from(paths, (_, index) => {
    try {
      return fulfilled(settledValue(Object.hasOwn(answer, index) ? answer[index] : undefined))
    } catch (error) {
      return rejected(asSecretsError(error))
    }
  })
}

function isOfLength(answer: unknown, length: number): answer is readonly unknown[] {
  try {
    return Array.isArray(answer) && answer.length === length
  } catch {
    return false
  }
}

/** Own members only: a missing one must not read as "no such secret". */
function settledValue(result: unknown): unknown {
  const { status, value, reason } = Object.getOwnPropertyDescriptors(Object(result))
  if (status?.value === 'fulfilled' && value !== undefined) return value.value
  if (status?.value === 'rejected') throw trustedError(reason?.value, 'getMany')
  throw malformed('what is not a result')
}

export function malformed(what: string): SecretsError {
  return new SecretsError('INTERNAL', `the provider answered ${what}`, { remedy: "report it to the provider's author" })
}
