import { SecretsError } from '@finchat/secrets-core'
import { type JsonObject, member, type VaultAnswer } from '../http/answer.ts'
import type { KvMount } from './mount.ts'

/** A version that a write goes over, and the fields of both, as JSON text. */
export interface Replacement {
  readonly cas: number
  readonly before: string
  readonly after: string
}

/**
 * Replaces fields by a merge patch (RFC 7396): unlike a POST under check-and-set it fails where the version was deleted, whose fields would come back.
 * Resolves to `undefined` where a patch cannot say it, or is not allowed. Throws `VERSION_CONFLICT` if the version is not there any more.
 */
export async function patched(
  mount: KvMount,
  path: string,
  replacement: Replacement,
  signal: AbortSignal,
): Promise<VaultAnswer | undefined> {
  const changes = changesOf(JSON.parse(replacement.before), JSON.parse(replacement.after)) // both were found to be JSON
  if (changes === undefined) return undefined
  const body = `{"options":{"cas":${replacement.cas}},"data":${changes}}`
  const contentType = 'application/merge-patch+json'
  try {
    const answer = await mount.ask(
      path,
      { method: 'PATCH', part: 'data', body, contentType, call: 'write', capability: 'patch', takes: isGone },
      signal,
    )
    if (!isGone(answer)) return answer
  } catch (error) {
    if (SecretsError.isInstance(error) && isNotPossible(error)) return undefined
    throw error
  }
  throw new SecretsError('VERSION_CONFLICT', 'the secret was deleted meanwhile', { remedy: 'read it, and decide anew' })
}

/** Fields that are other than before, and null for those that shall go. */
function changesOf(before: JsonObject, after: JsonObject): string | undefined {
  const held = new Map(Object.entries(before))
  if (held.size === 0) return undefined // it may be `{"data":null}`, which Vault answers with a 500
  const set = Object.entries(after).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(held.get(key)))
  if (!set.every(([, value]) => isKept(value))) return undefined
  const dropped = [...held.keys()].filter((key) => !Object.hasOwn(after, key))
  const members = [...set, ...dropped.map((key) => [key, null] as const)]
  return `{${members.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`
}

/**
 * Whether a patch sets it as it is: a null removes, an object is merged, and servers leave nulls
 * out inside an array.
 */
function isKept(value: unknown): boolean {
  return [value].flat().every((each) => ['string', 'number', 'boolean'].includes(typeof each))
}

/** What Vault answers to a patch of a secret that was deleted, or that is not there. */
function isGone({ status, text, body }: VaultAnswer): boolean {
  return status === 404 && (text === '' || typeof member(body, 'data', 'deletion_time') === 'string')
}

/** The policy does not allow it, or the server is older than 1.9. Nothing was done. */
function isNotPossible({ code, storeStatus }: SecretsError): boolean {
  return code === 'PERMISSION_DENIED' || storeStatus === '405'
}
