import { describe, expect, it, vi } from 'vitest'
import type { SecretProvider } from '../contract/provider.ts'
import { type ProviderCall, wrapProvider } from './wrap-provider.ts'

const context = { signal: new AbortController().signal }
const base: SecretProvider = { specificationVersion: 'v1', name: 'p', get: async (path) => ({ value: `of ${path}` }) }

function recording(provider: SecretProvider): { wrapped: SecretProvider; calls: ProviderCall[] } {
  const calls: ProviderCall[] = []
  const wrapped = wrapProvider(provider, (call, next) => {
    calls.push(call)
    return next(call.context)
  })
  return { wrapped, calls }
}

describe('wrapProvider', () => {
  it('answers as the provider does, and passes the context apart from the arguments', async () => {
    const { wrapped, calls } = recording({ ...base, getVersion: async (path, version) => ({ value: `${path} ${version}` }) })
    expect(await wrapped.get('a', context)).toEqual({ value: 'of a' })
    expect(await wrapped.getVersion?.('a', 'previous', context)).toEqual({ value: 'a previous' })
    expect(calls).toEqual([
      { method: 'get', args: ['a'], context },
      { method: 'getVersion', args: ['a', 'previous'], context },
    ])
  })

  it('keeps absent members absent, and members that are no calls unchanged', () => {
    const locate = (): undefined => undefined
    const { wrapped } = recording({ ...base, locate, getMany: undefined, sharedAs: 'eu' })
    expect(wrapped).toMatchObject({ specificationVersion: 'v1', name: 'p', sharedAs: 'eu' })
    expect(wrapped.locate).toBe(locate)
    expect(wrapped.getMany).toBeUndefined()
    expect('put' in wrapped).toBe(false)
  })

  it('wraps the calls of staging, and calls of later releases', async () => {
    const future = { ...base, staging: { put: async () => ({ version: 4 }) }, lease: { renew: async (id: string) => id } }
    const { wrapped, calls } = recording(future as unknown as SecretProvider) // members that this version does not know
    const { staging, lease } = wrapped as unknown as typeof future // the same members, wrapped
    expect(await (staging.put as (...args: unknown[]) => Promise<unknown>)('a', { value: 'v' }, context)).toEqual({ version: 4 })
    expect(await (lease.renew as (...args: unknown[]) => Promise<unknown>)('l-1', context)).toBe('l-1')
    expect(calls.map(({ method }) => method)).toEqual(['staging.put', 'lease.renew'])
  })

  it("does not wrap an author's own objects, even circular ones", () => {
    class Client {
      readonly self = this
      readonly agents = ['a']
    }
    const client = new Client()
    const tables = ['a', 'b']
    const { wrapped } = recording(Object.assign({ client, tables }, base))
    expect(wrapped).toHaveProperty('client', client)
    expect(wrapped).toHaveProperty('tables', tables)
  })

  it('turns a throw into a rejection', async () => {
    const { wrapped } = recording({
      ...base,
      get: () => {
        throw new TypeError('at once')
      },
    })
    await expect(wrapped.get('a', context)).rejects.toThrow('at once')
  })

  it('may answer without asking, ask with another context, and ask twice', async () => {
    const get = vi.fn<SecretProvider['get']>(async () => ({ value: 'v' }))
    const other = { signal: context.signal, fresh: true }
    const twice = wrapProvider({ ...base, get }, async (_, next) => {
      await next(other)
      return next(other)
    })
    const never = wrapProvider({ ...base, get }, async () => undefined)
    await twice.get('a', context)
    expect(get.mock.calls).toEqual([
      ['a', other],
      ['a', other],
    ])
    expect(await never.get('a', context)).toBeUndefined()
    expect(get).toHaveBeenCalledTimes(2)
  })

  it('does not change the wrapped provider', () => {
    const frozen = Object.freeze({ ...base })
    expect(recording(frozen).wrapped).not.toBe(frozen)
    expect(frozen.get).toBe(base.get)
  })
})
