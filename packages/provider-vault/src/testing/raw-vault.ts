import type { OpenBao } from '@finchat/secrets-test-servers'
import { encodedPath } from '../shared/paths.ts'

interface Keys {
  readonly data: { readonly keys: readonly string[] }
}

/** Every secret of a KV v2 mount, as an administrator sees it. */
export async function everythingIn(bao: OpenBao, mount: string, folder = ''): Promise<ReadonlyMap<string, unknown>> {
  const { data } = await bao
    .api<Keys>('GET', `${encodedPath(mount, 'metadata')}/${encoded(folder)}?list=true`)
    .catch((): Keys => ({ data: { keys: [] } }))
  const all = new Map<string, unknown>()
  for (const key of data.keys) {
    const path = folder + key
    if (key.endsWith('/')) for (const [below, value] of await everythingIn(bao, mount, path)) all.set(below, value)
    else
      all.set(
        path,
        (await bao.api<{ data: { data: { value: unknown } } }>('GET', `${encodedPath(mount, 'data')}/${encoded(path)}`)).data.data.value,
      )
  }
  return all
}

function encoded(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
