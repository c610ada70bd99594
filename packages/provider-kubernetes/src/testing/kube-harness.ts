import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { leaksOf, type ProviderHarness, type Repair } from '@finchat/secrets-testkit'
import { expect, onTestFinished } from 'vitest'
import { type KubernetesProvider, kubernetesProvider } from '../kubernetes-provider.ts'
import type { KubernetesProviderOptions } from '../options.ts'
import { type Mood, StubApi } from './stub-api.ts'
import type { StubChange } from './stub-cluster.ts'

/** Texts that no error, log line or event may hold. */
export const canaries = { token: 'c4n4ry-of-the-token-Xq7Lm', value: 'c4n4ry-of-the-value-Zk2Vb' } as const

export const context: CallContext = { signal: new AbortController().signal }

export function base64(text: string | Uint8Array): string {
  return Buffer.from(text).toString('base64')
}

/** For the conformance suite: a cluster, and every way to break its API. */
export async function kubeHarness(): Promise<ProviderHarness> {
  const api = await StubApi.start()
  api.tokens = [canaries.token]
  const mooded = (mood: Mood) => async (): Promise<Repair> => {
    api.mood = mood
    return async () => void (api.mood = 'well')
  }
  return {
    provider: kubernetesProvider({ url: api.url, token: () => canaries.token }),
    seed: async (path, value) => seed(api, path, { value }),
    path: (n) => `secret-${n}`,
    requests: () => api.requests.length,
    credentials: [canaries.token],
    close: () => api.stop(),
    breakStore: {
      denied: mooded('denied'),
      throttled: mooded('throttled'),
      unreachable: mooded('reset'),
      hung: mooded('hung'),
      garbage: mooded('garbage'),
      failing: mooded('failing'),
      lost: mooded('lost'),
      garbled: mooded('garbled'),
      unauthenticated: async () => {
        api.tokens = []
        return async () => void (api.tokens = [canaries.token])
      },
    },
  }
}

/** As `kubectl` writes it. */
export function seed(
  { cluster }: StubApi,
  path: string,
  fields: Readonly<Record<string, string | Uint8Array>>,
  more: StubChange = {},
): void {
  const [first = '', second] = path.split('/')
  const [namespace, name] = second === undefined ? ['default', first] : [first, second]
  const data = Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, base64(value)]))
  cluster.namespaces.add(namespace)
  try {
    cluster.update(namespace, name, { data, ...more })
  } catch {
    cluster.create(namespace, { ...more, metadata: { ...more.metadata, name }, data })
  }
}

export async function stubApi(): Promise<StubApi> {
  const api = await StubApi.start()
  onTestFinished(() => api.stop())
  return api
}

export function providerOf(api: StubApi, options: Partial<KubernetesProviderOptions> = {}): KubernetesProvider {
  const provider = kubernetesProvider({ url: api.url, token: () => canaries.token, ...options })
  onTestFinished(() => provider.close())
  return provider
}

/** The error that the call rejects with: a `SecretsError` that shows no canary. */
export async function failure(call: Promise<unknown>): Promise<SecretsError> {
  const [settled] = await Promise.allSettled([call])
  const reason: unknown = settled.status === 'rejected' ? settled.reason : 'the call resolved'
  if (!SecretsError.isInstance(reason)) throw new Error(String(reason))
  for (const canary of Object.values(canaries)) expect(leaksOf(reason, canary)).toEqual([])
  expect(reason).not.toHaveProperty('cause')
  return reason
}
