import { SecretNotFoundError, type SecretsError } from '@finchat/secrets-core'
import type { VaultAnswer } from '../http/answer.ts'
import type { KvMount } from './mount.ts'

/**
 * Sets tags, removes those given as null, and keeps the others: a merge patch (RFC 7396) of the
 * custom metadata.
 */
export async function setTags(
  mount: KvMount,
  path: string,
  tags: Readonly<Record<string, string | null>>,
  signal: AbortSignal,
): Promise<void> {
  if (Object.keys(tags).length === 0) return
  const body = JSON.stringify({ custom_metadata: tags })
  const patch = { method: 'PATCH', part: 'metadata', body, contentType: 'application/merge-patch+json' } as const
  const answer = await mount.ask(path, { ...patch, call: 'write', capability: 'patch', takes: isMissing }, signal)
  if (answer.status === 404) throw missing(path)
}

function isMissing({ status, text }: VaultAnswer): boolean {
  return status === 404 && text === ''
}

export function missing(path: string): SecretsError {
  return new SecretNotFoundError(path, { problem: 'there is no secret at this path', remedy: 'write it first' })
}
