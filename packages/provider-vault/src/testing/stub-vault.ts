import { type HttpProxy, type Reply, startHttpProxy } from '@finchat/secrets-test-servers'
import { type CallContext, SecretsError, type SecretsErrorCode } from '@finchat/secrets-core'
import { leaksOf } from '@finchat/secrets-testkit'
import { expect, onTestFinished } from 'vitest'
import { appRole } from '../auth/app-role.ts'
import { tokenAuth } from '../auth/token.ts'
import type { VaultAuth } from '../auth/vault-auth.ts'
import type { VaultProviderOptions } from '../options.ts'
import { type VaultProvider, vaultProvider } from '../vault-provider.ts'

/** Texts that no error, log line or event may hold. */
export const canaries = {
  token: 's.c4n4ry-of-the-token-Xq7Lm',
  minted: 's.c4n4ry-of-the-minted-token-Rt5',
  secretId: 'c4n4ry-of-the-secret-id-Pw9',
  value: 'c4n4ry-of-the-value-Zk2Vb',
} as const

export const context: CallContext = { signal: new AbortController().signal }

/**
 * A server that answers like Vault for a login, its mounts and one secret, unless `replies` has
 * another answer.
 */
export async function stubVault(replies: (path: string, method: string) => Reply | undefined = () => undefined): Promise<HttpProxy> {
  const stub = await startHttpProxy(undefined, { plan: ({ path, method }) => replies(path, method) ?? usual(path, method) })
  onTestFinished(stub.stop)
  return stub
}

const created = { created_time: '2026-11-25T14:27:54.626513001Z', deletion_time: '', destroyed: false, version: 1 }

/** The usual answers. */
export function usual(path: string, method: string = 'GET'): Reply {
  return { body: usualBody(path, method) }
}

export function usualBody(path: string, method: string = 'GET'): object {
  if (path.startsWith('/v1/auth/'))
    return { auth: { client_token: canaries.minted, lease_duration: 3600, renewable: true, token_type: 'service' } }
  if (path === '/v1/sys/internal/ui/mounts')
    return { request_id: 'r', data: { secret: { 'secret/': { type: 'kv', options: { version: '2' } } } } }
  if (method === 'POST') return { request_id: 'r', data: created }
  return { request_id: 'r', data: { data: { value: canaries.value }, metadata: created } }
}

export function stubbed(stub: HttpProxy, options: Partial<VaultProviderOptions> = {}): VaultProvider {
  const provider = vaultProvider({ url: stub.url, auth: tokenAuth(() => canaries.token), ...options })
  onTestFinished(() => provider.close())
  return provider
}

export const byAppRole: VaultAuth = appRole({ roleId: 'the-role', secretId: canaries.secretId })

/** How often a path was requested. */
export function timesAsked({ requests }: HttpProxy, path: string): number {
  return requests.filter((request) => request.path === path).length
}

/**
 * The error that the call rejects with: a `SecretsError` that shows no canary, not even in a
 * diagnostic report.
 */
export async function failure(call: Promise<unknown>): Promise<SecretsError> {
  const [settled] = await Promise.allSettled([call])
  const reason: unknown = settled.status === 'rejected' ? settled.reason : 'the call resolved'
  expect(SecretsError.isInstance(reason), String(reason)).toBe(true)
  const report = JSON.stringify(process.report.getReport(reason as Error)) // checked above
  for (const canary of Object.values(canaries)) {
    expect(leaksOf(reason, canary)).toEqual([])
    expect(report).not.toContain(canary)
  }
  expect(reason).not.toHaveProperty('cause')
  return reason as SecretsError // checked above
}

/** Its code, or `ok`. */
export async function codeOf(call: Promise<unknown>): Promise<SecretsErrorCode | 'ok'> {
  const [settled] = await Promise.allSettled([call])
  return settled.status === 'fulfilled' ? 'ok' : (await failure(Promise.reject(settled.reason))).code
}

export async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
