import { describe, expect, it, vi } from 'vitest'
import type { AuditTrail } from '../contract/audit.ts'
import type { SecretProvider } from '../contract/provider.ts'
import type { FallbackPolicy } from '../chain/fallback-policy.ts'
import { createSecretsManager } from './create-manager.ts'
import { SecretsError } from '../errors/secrets-error.ts'

const denied = async (): Promise<never> => Promise.reject(new SecretsError('PERMISSION_DENIED', 'denied'))

function provider(name: string, members: Partial<SecretProvider> = {}): SecretProvider {
  return { specificationVersion: 'v1', name, get: async () => ({ value: name }), ...members }
}

/** It takes a while: what a call was given may have changed when the provider is called. */
const audit: AuditTrail = { specificationVersion: 'v1', record: () => new Promise((resolve) => setImmediate(resolve)) }

describe('what a secrets manager was given', () => {
  it('may change afterwards: it goes on by what it was', async () => {
    const fallback: { -readonly [row in keyof FallbackPolicy]: FallbackPolicy[row] } = {}
    const [providers, cache] = [[provider('first', { get: denied }), provider('second')], { ttlSeconds: 60 }]
    const secrets = createSecretsManager({ providers, fallback, cache })
    Object.assign(fallback, { PERMISSION_DENIED: 'next' })
    Object.assign(cache, { ttlSeconds: 0 })
    providers.length = 0
    await expect(secrets.getSecret('token')).rejects.toMatchObject({ code: 'PERMISSION_DENIED', provider: 'first' })
    expect(Object.keys(secrets.cacheStats().providers)).toEqual(['first', 'second'])
  })

  it.each(['storeSecret', 'rotateSecret'] as const)('may be overwritten as soon as %s was called', async (call) => {
    const put = vi.fn<NonNullable<SecretProvider['put']>>(async () => ({}))
    const secrets = createSecretsManager({ providers: [provider('store', { put })], audit })
    const [value, tags] = [Buffer.from('hunter2'), { team: 'pay' }]
    const writing = secrets[call]('token', value, { tags })
    value.fill(0)
    Object.assign(tags, { team: 7, other: 'x' })
    await writing
    expect(put.mock.calls[0]?.[1]).toMatchObject({ value: new Uint8Array(Buffer.from('hunter2')), tags: { team: 'pay' } })
    expect(Object.keys(put.mock.calls[0]?.[1].tags ?? {})).toEqual(['team'])
  })

  it('may be overwritten as soon as verifySecret was called', async () => {
    const secrets = createSecretsManager({ providers: [provider('hunter2')], audit })
    const presented = Buffer.from('hunter2')
    const verifying = secrets.verifySecret('token', presented)
    presented.fill(0)
    expect(await verifying).toBe(true)
  })

  it('may be changed as soon as tagSecret was called', async () => {
    const tag = vi.fn<NonNullable<SecretProvider['tag']>>(async () => {})
    const secrets = createSecretsManager({ providers: [provider('store', { tag })], audit })
    const tags = { team: 'pay' }
    const tagging = secrets.tagSecret('token', tags)
    Object.assign(tags, { team: 7 })
    await tagging
    expect(tag.mock.calls[0]?.[1]).toEqual({ team: 'pay' })
  })
})

describe('one provider of two secrets managers', () => {
  it('is closed by the last of them, and by none twice', async () => {
    const close = vi.fn(async () => {})
    const shared = provider('shared', { close })
    const [used, unused] = [createSecretsManager({ providers: [shared] }), createSecretsManager({ providers: [shared] })]
    await unused.close()
    expect(await used.getSecret('token')).toBe('shared')
    expect(close).not.toHaveBeenCalled()
    await used[Symbol.asyncDispose]()
    await used.close()
    expect(close).toHaveBeenCalledTimes(1)
  })
})
