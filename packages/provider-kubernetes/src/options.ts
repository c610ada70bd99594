import { checkedTls, type ServerTls, type ServerUrl, serverUrl } from '@finchat/secrets-core/http'
import {
  assertCredential,
  assertWithin,
  configurationError,
  type Credential,
  knownOptions,
  longestTimerMs,
  type MembersOf,
  type NamesOptions,
} from '@finchat/secrets-core/provider'
import { inCluster } from './api/in-cluster.ts'
import { isNamespace } from './shared/paths.ts'

/** The options of `kubernetesProvider`. */
export interface KubernetesProviderOptions extends NamesOptions {
  /**
   * The API server: `https://10.0.0.1:6443`. Plain http only to this machine. Default: that of the
   * pod, with its service account's token, namespace and authority.
   */
  readonly url?: string | undefined
  /** The namespace of paths without one. Default: the pod's own; with `url`, `default`. */
  readonly namespace?: string | undefined
  /** A bearer token. A file or a function is read for each request, since tokens are rotated. */
  readonly token?: Credential | undefined
  /** The server's authority, and a client certificate. */
  readonly tls?: ServerTls | undefined
  /** Allows plain http to another machine, which exposes the token and the secrets. Default: false. */
  readonly allowInsecureHttp?: boolean | undefined
  /**
   * A name of the cluster that no other has. With it and `namespace`, a fleet shares answers over
   * `cache.shared`. Addresses cannot tell clusters apart, since many have the same.
   */
  readonly cluster?: string | undefined
  /** Milliseconds for a call, repeats included. Default: 4,500, less than the manager's `deadlineMs`. */
  readonly timeoutMs?: number | undefined
  /** The provider's name in errors, audit events and health. Default: `kubernetes`. */
  readonly name?: string | undefined
}

const members: MembersOf<KubernetesProviderOptions> = {
  url: 'string',
  namespace: 'string',
  token: 'any',
  tls: 'any',
  allowInsecureHttp: 'boolean',
  cluster: 'string',
  timeoutMs: 'number',
  name: 'string',
  names: 'any',
  prefix: 'any',
  onlyNamed: 'boolean',
}

export interface CheckedOptions {
  readonly name: string
  readonly url: ServerUrl
  readonly tls: ServerTls
  readonly token: Credential | undefined
  readonly namespace: Credential
  readonly sharedAs: string | undefined
  readonly timeoutMs: number
}

/** Throws `CONFIGURATION` for invalid options. Reads no file and opens no connection. */
export function checkedOptions(given: KubernetesProviderOptions, env: NodeJS.ProcessEnv = process.env): CheckedOptions {
  const options = knownOptions(given, members)
  const { name = 'kubernetes', namespace, cluster, timeoutMs = 4_500 } = options
  if (namespace !== undefined && !isNamespace(namespace)) throw configurationError('`namespace` is malformed', 'use a-z, 0-9 and -')
  if (cluster === '') throw configurationError('`cluster` is empty', 'give a name that no other cluster has, or leave it out')
  assertWithin('timeoutMs', timeoutMs, 1, longestTimerMs)
  const isShared = cluster !== undefined && namespace !== undefined
  return { name, timeoutMs, sharedAs: isShared ? `kubernetes ${cluster} ${namespace}` : undefined, ...serverOf(options, env) }
}

function serverOf(options: KubernetesProviderOptions, env: NodeJS.ProcessEnv): Pick<CheckedOptions, 'url' | 'tls' | 'token' | 'namespace'> {
  const pod = options.url === undefined ? podOf(env) : undefined
  // The pod's token is for the pod's own server: no other gets it.
  const { token = pod?.token, namespace = pod?.namespace ?? 'default', allowInsecureHttp = false } = options
  if (token !== undefined) assertCredential(token, '`token`')
  const url = serverUrl(options.url ?? pod?.url, 'a Kubernetes API server', allowInsecureHttp)
  if (!url.isSecure && options.tls !== undefined)
    throw configurationError('`tls` is given, but `url` is http, where nothing is encrypted or verified', 'write https:// in `url`')
  const tls = checkedTls(options.tls ?? {})
  return { url, tls: { ...tls, ca: tls.ca ?? pod?.tls.ca }, token, namespace }
}

function podOf(env: NodeJS.ProcessEnv): ReturnType<typeof inCluster> {
  const pod = inCluster(env)
  if (pod !== undefined) return pod
  throw configurationError('this process runs in no pod: KUBERNETES_SERVICE_HOST is not set', 'give `url`')
}
