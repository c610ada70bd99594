import type { CallContext, SecretProvider } from '@finchat/secrets-core'
import { HttpClients, timedProvider } from '@finchat/secrets-core/http'
import { type AccessRight, loadOnUse, type LoadedOnUse, locator, type Provides } from '@finchat/secrets-core/provider'
import { kubeApi } from './api/kube-api.ts'
import { SecretsPath } from './api/secrets-path.ts'
import { checkedOptions, type KubernetesProviderOptions } from './options.ts'
import { secretReads } from './secret/read.ts'
import type { SecretStore } from './secret/secret-store.ts'
import { SecretWatches } from './secret/watches.ts'
import { secretWrites } from './secret/write.ts'
import { canHoldPath } from './shared/paths.ts'

/** No application needs it. */
const accessPart: LoadedOnUse = { what: 'the question for access', name: '@finchat/secrets-provider-kubernetes' }

type Missing = 'sharedAs' | 'getMany' | 'getVersion' | 'restore' | 'staging'

/** The operations of the contract that Kubernetes has: it keeps no former versions. */
export interface KubernetesProvider extends Provides<Exclude<keyof SecretProvider, Missing>>, Pick<SecretProvider, 'sharedAs'> {
  /** What the roles allow at these paths, by a `SelfSubjectAccessReview` each: no secret is touched. */
  readonly checkAccess: (paths: readonly string[], context: CallContext) => Promise<readonly AccessRight[]>
  readonly close: (context?: Partial<CallContext>) => Promise<void>
}

/**
 * The Secrets of a Kubernetes cluster, over its API. A path is `secret` or `namespace/secret`. A
 * Secret is a map: `names: { DB_PASSWORD: 'db#password' }` reads one field, and a plain text is kept
 * in the field `value`. Reads and connects at its first call. Throws `CONFIGURATION` for invalid
 * options, and without `url` outside a pod.
 *
 * @example
 * import { kubernetesProvider } from '@finchat/secrets-provider-kubernetes'
 *
 * const kubernetes = kubernetesProvider({ url: 'https://10.0.0.1:6443', names: { DB_PASSWORD: 'db#password' } })
 * console.log(kubernetes.locate('DB_PASSWORD')) // { path: 'db', field: 'password' }
 */
export function kubernetesProvider(options: KubernetesProviderOptions = {}): KubernetesProvider {
  const { name, url, tls, token, namespace, sharedAs, timeoutMs } = checkedOptions(options)
  const ending = new AbortController()
  const closing = ending.signal
  const clients = new HttpClients('Kubernetes', url, tls)
  const [api, paths] = [kubeApi({ clients, basePath: url.basePath, token }), new SecretsPath(namespace)]
  const watches = new SecretWatches({ api, paths, closing })
  const limits = { timeoutMs, closing }
  const store: SecretStore = { api, paths, limits, watches }
  const provider: KubernetesProvider = {
    specificationVersion: 'v1',
    name,
    locate: locator(options, canHoldPath),
    keepsFields: () => true,
    sharedAs,
    ...secretReads(store),
    ...secretWrites(store),
    changes: (listener) => watches.listeners.add(listener),
    checkAccess: async (checked, { signal }) => {
      const { checkAccess } = await loadOnUse(accessPart, () => import('./secret/access.ts'), 'checkAccess')
      return checkAccess(store, checked, signal)
    },
    checkHealth: ({ signal }) => api.tell({ method: 'GET', path: '/readyz', content: 'ok' }, signal),
    close: async () => {
      watches.listeners.close()
      ending.abort('the Kubernetes provider')
      clients.close()
    },
  }
  return timedProvider(provider, limits)
}
