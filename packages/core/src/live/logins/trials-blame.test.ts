import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SecretProvider } from '../../contract/provider.ts'
import { useSecret } from '../../live.ts'
import { createSecretsManager } from '../../manager/create-manager.ts'
import type { SecretsManager } from '../../manager/secrets-manager.ts'
import { stagingStore } from '../../testing/staging-store.ts'
import type { SecretValue } from '../../value/secret-value.ts'

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000_000 }))
afterEach(() => vi.useRealTimers())

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
const managerOf = (provider: SecretProvider): SecretsManager => createSecretsManager({ providers: [provider] })
const refused = new Error('password authentication failed')
const isAuthError = (error: unknown): boolean => error === refused

describe('a login that hangs', () => {
  it('keeps later callers from no search', async () => {
    const store = stagingStore({ value: 'v2', version: 2 })
    store.previous = { value: 'v1', version: 1 }
    const secrets = managerOf(store.provider)
    let hasHung = false
    const login = (value: SecretValue): Promise<string> => {
      if (value.reveal() === 'v3') return Promise.resolve('v3')
      if (value.reveal() !== 'v1' || hasHung) return Promise.reject(refused)
      hasHung = true
      return new Promise(() => {})
    }
    void useSecret(secrets, 'db', login, { isAuthError, budgetMs: 500 })
    await pass(2_000)
    store.pending = { value: 'v3', version: 3 }
    const later = useSecret(secrets, 'db', login, { isAuthError, budgetMs: 500 })
    await pass(600)
    expect(await later).toBe('v3')
  })
})

describe('a pool that blames an older credential without end', () => {
  it('gets a bounded number of logins, and each caller its own error', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    const old = await secrets.getSecretValue('db')
    store.current = { value: 'v2', version: 2 }
    await secrets.getSecret('db', { fresh: true })
    let logins = 0
    const login = async (): Promise<never> => {
      logins += 1
      await new Promise((resolve) => setTimeout(resolve, 1))
      throw refused
    }
    const call = (): Promise<unknown> =>
      useSecret(secrets, 'db', login, { isAuthError, usedIn: () => old, budgetMs: 2_000 }).catch((error: unknown) => error)
    const errors = Promise.all(Array.from({ length: 100 }, call))
    await pass(3_000)
    expect(new Set(await errors)).toEqual(new Set([refused]))
    expect(logins).toBeLessThan(2_500)
  })
})

describe('close()', () => {
  it('ends a search without another login', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = managerOf(store.provider)
    let logins = 0
    const login = (): Promise<never> => {
      logins += 1
      return Promise.reject(refused)
    }
    const using = useSecret(secrets, 'db', login, { isAuthError }).catch((error: unknown) => error)
    await pass(500)
    const before = logins
    await Promise.all([secrets.close(), pass(3_000)])
    expect([await using, logins - before]).toEqual([refused, 0])
  })
})
