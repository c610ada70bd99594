import type { Credential } from '@finchat/secrets-core/provider'

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount'

/** What Kubernetes gives to every pod. */
export interface PodAccess {
  readonly url: string
  readonly token: Credential
  readonly namespace: Credential
  readonly tls: { readonly ca: Credential }
}

/** Undefined outside a pod. Kubelet rotates the files, which are read when they are needed. */
export function inCluster(env: NodeJS.ProcessEnv, folder: string = serviceAccount): PodAccess | undefined {
  const [host, port] = [ownText(env, 'KUBERNETES_SERVICE_HOST'), ownText(env, 'KUBERNETES_SERVICE_PORT') ?? '443']
  if (host === undefined) return undefined
  const file = (name: string): Credential => ({ file: `${folder}/${name}` })
  const url = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  return { url, token: file('token'), namespace: file('namespace'), tls: { ca: file('ca.crt') } }
}

function ownText(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const text = Object.hasOwn(env, name) ? env[name] : undefined
  return text === '' ? undefined : text
}
