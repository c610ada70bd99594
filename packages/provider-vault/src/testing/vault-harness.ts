import { setTimeout as sleep } from 'node:timers/promises'
import { type OpenBao, startHttpProxy, type HttpProxy } from '@finchat/secrets-test-servers'
import type { Repair, ProviderHarness } from '@finchat/secrets-testkit'
import { vi } from 'vitest'
import { tokenAuth } from '../auth/token.ts'
import { encodedPath } from '../shared/paths.ts'
import { type VaultProvider, vaultProvider } from '../vault-provider.ts'
import type { VaultProviderOptions } from '../options.ts'

/**
 * A fresh KV mount of a running server, a token with all rights on it and no others, and a proxy
 * that records and breaks.
 */
export interface VaultTrial {
  readonly provider: VaultProvider
  readonly mount: string
  readonly proxy: HttpProxy
  readonly policy: string
  /** Gives the provider another token at its next request. */
  readonly newToken: () => Promise<void>
  readonly currentToken: () => string
  readonly seed: (path: string, value: string) => Promise<void>
  readonly close: () => Promise<void>
}

let mounts = 0

export async function vaultTrial(bao: OpenBao, options: Partial<VaultProviderOptions> & { readonly kv?: 1 | 2 } = {}): Promise<VaultTrial> {
  const { kv = 2, ...rest } = options
  const mount = `kv-${(mounts += 1)}`
  await bao.api('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: String(kv) } })
  if (kv === 2) await vi.waitFor(() => bao.api('GET', `${mount}/config`), { timeout: 20_000, interval: 20 }) // the server upgrades it to KV v2 first
  await allowAll(bao, mount)
  const proxy = await startHttpProxy(bao.url, bao.ca === undefined ? {} : { ca: bao.ca })
  let current = await tokenOf(bao, mount)
  const provider = vaultProvider({ url: proxy.url, mount, auth: tokenAuth(() => current), ...rest })
  return {
    provider,
    mount,
    proxy,
    policy: mount,
    currentToken: () => current,
    newToken: async () => void (current = await tokenOf(bao, mount)),
    seed: async (path, value) => {
      const data = kv === 2 ? { data: { value } } : { value }
      await bao.api('POST', encodedPath(mount, ...(kv === 2 ? ['data'] : []), path), data)
    },
    close: async () => {
      await provider.close()
      await proxy.stop()
      await bao.api('DELETE', `sys/mounts/${mount}`)
    },
  }
}

async function allowAll(bao: OpenBao, mount: string): Promise<void> {
  await writePolicy(bao, mount, `path "${mount}/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }`)
}

export async function writePolicy(bao: OpenBao, name: string, policy: string): Promise<void> {
  await bao.api('PUT', `sys/policies/acl/${name}`, { policy })
}

export async function tokenOf(bao: OpenBao, policy: string): Promise<string> {
  const { auth } = await bao.api<{ auth: { client_token: string } }>('POST', 'auth/token/create', { policies: [policy], ttl: '1h' })
  return auth.client_token
}

/** The trial for the conformance suite, with every way to break a running server. */
export async function vaultHarness(bao: OpenBao, options: Parameters<typeof vaultTrial>[1] = {}): Promise<ProviderHarness> {
  const trial = await vaultTrial(bao, options)
  const { provider, proxy, mount, policy } = trial
  const planned = (plan: Parameters<HttpProxy['plan']>[0]) => async (): Promise<Repair> => {
    proxy.plan(plan)
    return async () => proxy.plan('pass')
  }
  return {
    provider,
    seed: (path, value) => trial.seed(path, String(value)),
    requests: () => proxy.requests.length,
    secretRequests: () => proxy.requests.filter(({ path }) => path.startsWith(`/v1/${mount}/`)).length,
    close: trial.close,
    breakStore: {
      denied: async () => {
        await writePolicy(bao, policy, 'path "nothing" { capabilities = ["read"] }')
        return () => allowAll(bao, mount)
      },
      unauthenticated: async () => {
        await bao.api('POST', 'auth/token/revoke', { token: trial.currentToken() })
        return trial.newToken
      },
      unreachable: planned('reset'),
      hung: async () => {
        bao.signal('SIGSTOP')
        await untilSilent(bao)
        return async () => bao.signal('SIGCONT')
      },
      throttled: () => exhaustQuota(bao, mount),
      failing: planned({ status: 503, body: '{"errors":[]}' }),
      lost: planned(({ method }) => (method === 'GET' || method === 'LIST' ? 'pass' : { pass: 'reset' })),
      garbled: planned(({ method }) => (method === 'GET' || method === 'LIST' ? 'pass' : { pass: 'garble' })),
      garbage: planned({ body: 'so long, and thanks for all the fish' }),
    },
  }
}

/** A process may run for some ms after the signal. */
async function untilSilent(bao: OpenBao): Promise<void> {
  const answer = (): Promise<unknown> => bao.api('GET', 'sys/health').catch(() => undefined)
  while ((await Promise.race([answer(), sleep(100, 'silent')])) !== 'silent');
}

/** A used-up rate limit of the mount. */
async function exhaustQuota(bao: OpenBao, mount: string): Promise<Repair> {
  const name = `sys/quotas/rate-limit/${mount}`
  await bao.api('POST', name, { path: `${mount}/`, rate: 0.001, interval: '1h' })
  for (let isLeft = true; isLeft;) {
    isLeft = await bao.api('GET', `${mount}/data/none`).then(
      () => true,
      (error: unknown) => !String(error).includes('429'),
    )
  }
  return async () => void (await bao.api('DELETE', name))
}
