import { describe, expect, test } from 'vitest'
import { memoryManifest, memoryProvider, testSecretProvider } from '../index.ts'
import { memoryHarness } from '../testing/memory-harness.ts'

const context = { signal: new AbortController().signal }

describe('the memory provider keeps the contract', () => {
  testSecretProvider({ test, manifest: memoryManifest, createHarness: memoryHarness })
})

describe('the memory provider', () => {
  test('has the initial secrets, unchanged', async () => {
    const expiresAt = Date.now() + 60_000
    const provider = memoryProvider({
      secrets: {
        text: 'v1',
        bytes: Uint8Array.of(1, 2),
        lease: { value: '{"user":"a"}', shape: 'map', expiresAt, exclusive: true, tags: { team: 'pay' } },
      },
    })
    expect(await provider.get('text', context)).toMatchObject({ value: 'v1', version: 1 })
    expect(await provider.get('bytes', context)).toMatchObject({ value: Uint8Array.of(1, 2) })
    expect(await provider.get('lease', context)).toMatchObject({ value: '{"user":"a"}', shape: 'map', expiresAt, exclusive: true })
    expect(await provider.describe?.('lease', context)).toMatchObject({ tags: { team: 'pay' } })
  })

  test('numbers an unnumbered version at the first write, which gets the next number', async () => {
    const provider = memoryProvider({ secrets: { api_key: { value: 'console', unnumbered: true } } })
    const current = await provider.get('api_key', context)
    expect(current?.version).toBeUndefined()
    expect(await provider.put?.('api_key', { value: 'v2', ifCurrent: { revision: current?.revision } }, context)).toMatchObject({
      version: 2,
    })
    expect(await provider.getVersion?.('api_key', 1, context)).toMatchObject({ value: 'console' })
  })

  test('shares nothing with another memory provider', async () => {
    const [one, other] = [memoryProvider(), memoryProvider()]
    await one.put?.('api_key', { value: 'v1' }, context)
    expect(await other.get('api_key', context)).toBeUndefined()
  })

  test('keeps fields of a map', () => {
    const provider = memoryProvider({ secrets: { db: { value: '{"user":"a"}', shape: 'map' }, text: '{"user":"a"}' } })
    expect(['db', 'text', 'other'].map((path) => provider.keepsFields(path))).toEqual([true, false, false])
  })

  test('locates names as every provider does', () => {
    const provider = memoryProvider({ name: 'vault', sharedAs: 'vault/eu', names: { TOKEN: 'finchat/token#value' }, prefix: 'prod/' })
    expect([provider.name, provider.sharedAs]).toEqual(['vault', 'vault/eu'])
    expect(provider.locate?.('TOKEN')).toEqual({ path: 'finchat/token', field: 'value' })
    expect(provider.locate?.('db')).toEqual({ path: 'prod/db' })
    expect(memoryProvider({ onlyNamed: true }).locate?.('db')).toBeUndefined()
  })

  test.each([true, false])('keeps only the number of a purged secret (withdrawn before: %s)', async (isWithdrawn) => {
    const provider = memoryProvider({ secrets: { api_key: 'v1' } })
    if (isWithdrawn) await provider.delete?.('api_key', { purge: false }, context)
    await provider.delete?.('api_key', { purge: true }, context)
    expect(await provider.get('api_key', context)).toBeUndefined()
    expect(await provider.describe?.('api_key', context)).toBeUndefined()
    expect(await provider.getVersion?.('api_key', 1, context)).toBeUndefined()
    expect(await provider.put?.('api_key', { value: 'v2' }, context)).toMatchObject({ version: 2 })
  })
})
