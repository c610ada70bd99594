import { SecretNotFoundError, type SecretsError } from '@finchat/secrets-core'
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
  const contentType = 'application/merge-patch+json'
  const answer = await mount.ask(
    path,
    {
      method: 'PATCH',
      part: 'metadata',
      body,
      contentType,
      call: 'write',
      capability: 'patch',
      takes: ({ status, text }) => status === 404 && text === '',
    },
    signal,
  )
  if (answer.status === 404) throw missing(path)
}

export function missing(path: string): SecretsError {
  return new SecretNotFoundError(path, { problem: 'there is no secret at this path', remedy: 'write it first' })
}
