import { member } from '@finchat/secrets-core/http'
import { type CallContext, type ListedSecret, SecretsError } from '@finchat/secrets-core'
import { unexpectedAnswer } from './answers.ts'
import type { KvMount } from './mount.ts'
import { canHoldFolder, canHoldPath } from '../shared/paths.ts'

/** Requests each folder when its first path is read. Vault lists deleted secrets like others. */
export async function* kvList(mount: KvMount, prefix: string, context: CallContext): AsyncGenerator<ListedSecret, void, undefined> {
  const folders = [folderOf(prefix)]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const keys = await keysIn(mount, folder, context.signal)
    const paths = [...new Set(keys)].map((key) => folder + key)
    yield* paths.filter((path) => path.startsWith(prefix) && canHoldPath(path)).map((path) => ({ path }))
    const below = paths.filter((path) => canHoldFolder(path) && (path.startsWith(prefix) || prefix.startsWith(path)))
    for (const path of below.toReversed()) folders.push(path) // perhaps too many arguments for one call
  }
}

/** Ends in a slash; empty for the root. */
function folderOf(prefix: string): string {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  if (folder === '' || canHoldFolder(folder)) return folder
  throw new SecretsError('INVALID_ARGUMENT', 'no path that Vault can hold begins like this', {
    remedy: 'use a path without empty or dotted segments',
  })
}

/** A policy for `secret/metadata/app/*` covers the list of `app/`, but not of the root. */
const otherwise = 'pass a `prefix` that ends in / and that the policy covers'

async function keysIn(mount: KvMount, folder: string, signal: AbortSignal): Promise<readonly string[]> {
  const path = folder.slice(0, -1)
  const found = await mount.read(signal, async (kv) => {
    const part = kv === 2 ? ({ part: 'metadata' } as const) : {}
    const answer = await mount.ask(
      path,
      { method: 'GET', ...part, query: '?list=true', call: 'read', capability: 'list', otherwise },
      signal,
    )
    if (answer.status === 404) return undefined
    const keys = member(answer.body, 'data', 'keys')
    if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) throw unexpectedAnswer(answer)
    return keys
  })
  return found ?? []
}
