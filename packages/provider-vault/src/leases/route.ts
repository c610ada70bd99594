import type { ListedSecret } from '@finchat/secrets-core'
import { type Leases, notWritable, withoutVersions } from './leases.ts'
import type { Provides } from '@finchat/secrets-core/provider'

type Members = Provides<'get' | 'getVersion' | 'describe' | 'probe' | 'list' | 'put' | 'tag' | 'delete' | 'restore' | 'staging'>

/** Sends leased paths to the leases, all others to KV. */
export function routeLeases({ staging, ...kv }: Members, leases: Leases): Members {
  const assertKept = (path: string): void => {
    if (leases.isLeased(path)) throw notWritable()
  }
  const kept =
    <Rest extends readonly unknown[], Answer>(call: (path: string, ...rest: Rest) => Promise<Answer>) =>
    async (path: string, ...rest: Rest): Promise<Answer> => {
      assertKept(path)
      return call(path, ...rest)
    }
  return {
    get: (path, context) => (leases.isLeased(path) ? leases.get(path, context) : kv.get(path, context)),
    getVersion: async (path, version, context) => {
      if (leases.isLeased(path)) throw withoutVersions()
      return kv.getVersion(path, version, context)
    },
    describe: async (path, context) => (leases.isLeased(path) ? leases.describe(path) : kv.describe(path, context)),
    probe: async (path, context) => (leases.isLeased(path) ? leases.probe(path) : kv.probe(path, context)),
    list: (prefix, context) => unleased(kv.list(prefix, context), leases),
    put: kept(kv.put),
    tag: kept(kv.tag),
    delete: kept(kv.delete),
    restore: kept(kv.restore),
    staging: { put: kept(staging.put), get: kept(staging.get), promote: kept(staging.promote), discard: kept(staging.discard) },
  }
}

/** A KV secret under a leased path cannot be read, so it is not listed. */
async function* unleased(listed: AsyncIterable<ListedSecret>, leases: Leases): AsyncGenerator<ListedSecret, void, undefined> {
  for await (const secret of listed) if (!leases.isLeased(secret.path)) yield secret
}
