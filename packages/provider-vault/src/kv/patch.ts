import { member } from '@finchat/secrets-core/http'
import { SecretsError } from '@finchat/secrets-core'
import type { JsonObject, VaultAnswer } from '../http/answer.ts'
import type { KvMount } from './mount.ts'

/** The fields before and after, as JSON text. */
export interface Replacement {
  readonly cas: number
  readonly before: string
  readonly after: string
}

/**
 * Replaces fields by a merge patch (RFC 7396). Unlike a POST under check-and-set, it fails for a
 * deleted version. Resolves to undefined if a patch cannot express the change or is not allowed.
 * Throws `VERSION_CONFLICT` if the version is gone.
 */
export async function patched(
  mount: KvMount,
  path: string,
  replacement: Replacement,
  signal: AbortSignal,
): Promise<VaultAnswer | undefined> {
  const changes = changesOf(JSON.parse(replacement.before), JSON.parse(replacement.after)) // both are JSON objects, as checked before
  if (changes === undefined) return undefined
  const body = `{"options":{"cas":${replacement.cas}},"data":${changes}}`
  const answer = await patch(mount, path, body, signal)
  if (answer === undefined || !isGone(answer)) return answer
  throw new SecretsError('VERSION_CONFLICT', 'the secret was deleted meanwhile', { remedy: 'read it, and decide anew' })
}

/** `undefined` if this server or token cannot patch. */
async function patch(mount: KvMount, path: string, body: string, signal: AbortSignal): Promise<VaultAnswer | undefined> {
  const request = { method: 'PATCH', part: 'data', body, contentType: 'application/merge-patch+json' } as const
  try {
    return await mount.ask(path, { ...request, call: 'write', capability: 'patch', takes: isGone }, signal)
  } catch (error) {
    if (SecretsError.isInstance(error) && isNotPossible(error)) return undefined
    throw error
  }
}

/** Changed fields, and null for removed ones. */
function changesOf(before: JsonObject, after: JsonObject): string | undefined {
  const held = new Map(Object.entries(before))
  if (held.size === 0) return undefined // `{"data":null}` answers a patch with a 500
  const set = Object.entries(after).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(held.get(key)))
  if (!set.every(([, value]) => isKept(value))) return undefined
  const dropped = [...held.keys()].filter((key) => !Object.hasOwn(after, key))
  const members = [...set, ...dropped.map((key) => [key, null] as const)]
  return `{${members.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`
}

/** In a patch null removes, objects are merged, and servers drop nulls inside arrays. */
function isKept(value: unknown): boolean {
  return [value].flat().every((each) => ['string', 'number', 'boolean'].includes(typeof each))
}

/** The answer to a patch of a secret that is deleted or missing. */
function isGone({ status, text, body }: VaultAnswer): boolean {
  return status === 404 && (text === '' || typeof member(body, 'data', 'deletion_time') === 'string')
}

/** Denied by the policy, or a server older than 1.9. The request had no effect. */
function isNotPossible({ code, storeStatus }: SecretsError): boolean {
  return code === 'PERMISSION_DENIED' || storeStatus === '405'
}
