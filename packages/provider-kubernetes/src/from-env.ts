import type { EnvironmentReader } from '@finchat/secrets-core'
import { credentialFromEnv, namesFromEnv } from '@finchat/secrets-core/provider'
import { type KubernetesProvider, kubernetesProvider } from './kubernetes-provider.ts'

/**
 * A Kubernetes provider from environment variables, for `secretsManagerFromEnv({ kubernetes:
 * kubernetesFromEnv })`. In a pod it needs none. `FINCHAT_KUBERNETES_NAMES` is a list such as
 * `FINCHAT_TOKEN=finchat#token,DB=other/db`. `FINCHAT_KUBERNETES_NAMESPACE` is the namespace of paths
 * without one. Outside a pod, `FINCHAT_KUBERNETES_URL` and `FINCHAT_KUBERNETES_TOKEN` say where and as
 * whom, and `FINCHAT_KUBERNETES_CA_FILE` is the server's authority. `FINCHAT_KUBERNETES_TOKEN_FILE` names
 * a file of the token, which is read for each request. Throws `CONFIGURATION` as
 * `kubernetesProvider` does.
 *
 * @example
 * import { secretsManagerFromEnv } from '@finchat/secrets-core'
 * import { kubernetesFromEnv } from '@finchat/secrets-provider-kubernetes'
 *
 * const env = { FINCHAT_SECRETS_PROVIDER: 'kubernetes', FINCHAT_KUBERNETES_URL: 'https://10.0.0.1:6443' }
 * const secrets = secretsManagerFromEnv({ kubernetes: kubernetesFromEnv }, { env })
 * await secrets.close()
 */
export function kubernetesFromEnv(env: EnvironmentReader): KubernetesProvider {
  const ca = env.optional('FINCHAT_KUBERNETES_CA_FILE')
  return kubernetesProvider({
    url: env.optional('FINCHAT_KUBERNETES_URL'),
    namespace: env.optional('FINCHAT_KUBERNETES_NAMESPACE'),
    token: credentialFromEnv(env, 'FINCHAT_KUBERNETES_TOKEN'),
    tls: ca === undefined ? undefined : { ca: { file: ca } },
    ...namesFromEnv(env, 'KUBERNETES'),
  })
}
