import { SecretsError } from '@finchat/secrets-core'
import { describe, expect, test } from 'vitest'
import type { LocalProvider } from '../local-provider.ts'
import { context, failure, opened, temporaryPath, within } from '../testing/temporary-store.ts'

async function withVersions(count: number, options: { keepVersions?: number | 'all' } = {}): Promise<LocalProvider> {
  const provider = opened(':memory:', options)
  for (let n = 1; n <= count; n++) await provider.put('name', { value: `v${n}` }, context)
  return provider
}

async function numbers(provider: LocalProvider): Promise<(number | undefined)[] | undefined> {
  return (await provider.describe('name', context))?.versions?.map(({ version }) => version)
}

describe('pruning', () => {
  test("keeps the newest 100 versions by default, and all of them with 'all'", async () => {
    expect(await numbers(await withVersions(103))).toEqual(Array.from({ length: 100 }, (_, n) => n + 4))
    const all = await withVersions(103, { keepVersions: 'all' })
    expect((await all.getVersion('name', 1, context))?.value).toBe('v1')
    expect((await all.prune({ keepVersions: 1 })).pruned).toBe(102)
  })

  test('by a call keeps the newest and reports what it removed', async () => {
    const provider = await withVersions(5)
    expect(await provider.prune({ keepVersions: 2 })).toEqual({ pruned: 3, removed: [{ path: 'name', versions: [1, 2, 3] }] })
    expect(await numbers(provider)).toEqual([4, 5])
    expect(await provider.getVersion('name', 3, context)).toBeUndefined()
    expect((await provider.getVersion('name', 'previous', context))?.value).toBe('v4')
    expect(await provider.prune({ keepVersions: 2 })).toEqual({ pruned: 0, removed: [] })
  })

  test('by the option happens with every write', async () => {
    const provider = await withVersions(5, { keepVersions: 2 })
    expect(await numbers(provider)).toEqual([4, 5])
    await provider.staging.promote('name', await provider.staging.put('name', { value: 'v6' }, context), context)
    expect(await numbers(provider)).toEqual([5, 6])
  })

  test('by the option never removes the previous or a pending version', async () => {
    const provider = await withVersions(5, { keepVersions: 1 })
    expect(await numbers(provider)).toEqual([4, 5])
    const pending = await provider.staging.put('name', { value: 'v6' }, context)
    for (const value of ['v7', 'v8']) await provider.put('name', { value }, context)
    expect((await provider.staging.get('name', context))?.value).toBe('v6')
    expect((await provider.getVersion('name', 'previous', context))?.value).toBe('v7')
    await provider.staging.discard('name', pending, context)
    await provider.staging.promote('name', await provider.staging.put('name', { value: 'v9' }, context), context)
    expect(await numbers(provider)).toEqual([8, 9])
    expect((await provider.put('name', { value: 'v10' }, context)).version).toBe(10)
  })

  test('removes at most 16 of the oldest versions with each write', async () => {
    const path = temporaryPath()
    const fill = async (provider: LocalProvider): Promise<void> => {
      for (let n = 1; n <= 300; n++) await provider.put('name', { value: `v${n}` }, context)
    }
    await within(path, fill, { keepVersions: 'all' })
    const provider = opened(path)
    const isThere = async (version: number): Promise<boolean> => (await provider.getVersion('name', version, context)) !== undefined
    for (let written = 1; written <= 20; written++) {
      await provider.put('name', { value: 'new' }, context)
      const gone = Math.min(16 * written, 200 + written)
      expect([await isThere(gone), await isThere(gone + 1)], `after ${written}`).toEqual([false, true])
    }
    expect(await numbers(provider)).toHaveLength(100)
  })

  test('removes two of the oldest large versions with each write', async () => {
    const path = temporaryPath()
    const fill = async (provider: LocalProvider): Promise<void> => {
      for (let n = 1; n <= 20; n++) await provider.put('name', { value: new Uint8Array(700_000) }, context)
    }
    await within(path, fill, { keepVersions: 'all' })
    const provider = opened(path, { keepVersions: 4 })
    for (const left of [19, 18, 17]) {
      await provider.put('name', { value: 'new' }, context)
      expect(await numbers(provider)).toHaveLength(left)
    }
  })

  test('of thousands of versions lets others read in between and reports each version', async () => {
    const provider = await withVersions(3_000, { keepVersions: 'all' })
    let reads = 0
    const pruning = provider.prune({ keepVersions: 10 })
    const reading = setInterval(() => void provider.get('name', context).then(() => reads++), 0)
    expect((await pruning).removed).toEqual([{ path: 'name', versions: Array.from({ length: 2_990 }, (_, n) => n + 1) }])
    clearInterval(reading)
    expect(reads).toBeGreaterThan(5)
  })

  test('that fails after a part is done has effect unknown', async () => {
    const provider = await withVersions(400, { keepVersions: 'all' })
    const giveUp = new AbortController()
    setImmediate(() => setImmediate(() => giveUp.abort()))
    const error = await failure(provider.prune({ keepVersions: 1 }, { signal: giveUp.signal }))
    expect(error).toMatchObject({ code: 'ABORTED', effect: 'unknown', remedy: 'call it again, since a part is done' })
    expect((await provider.prune({ keepVersions: 1 })).pruned).toBeLessThan(399)
    expect(await numbers(provider)).toEqual([400])
  })

  test('never removes the current or pending version and never frees a number', async () => {
    const provider = await withVersions(3)
    await provider.staging.put('name', { value: 'v4' }, context)
    await provider.prune({ keepVersions: 1 })
    expect((await provider.get('name', context))?.value).toBe('v3')
    expect((await provider.staging.get('name', context))?.value).toBe('v4')
    expect(await failure(provider.put('name', { value: 'again', version: 2 }, context))).toMatchObject({
      code: 'VERSION_CONFLICT',
      problem: expect.stringContaining('the next is 5'),
    })
  })

  test('may be limited to one secret and includes deleted ones', async () => {
    const provider = await withVersions(3)
    for (const value of ['o1', 'o2']) await provider.put('other', { value }, context)
    await provider.delete('other', { purge: false }, context)
    expect((await provider.prune({ keepVersions: 1, path: 'name' })).removed).toEqual([{ path: 'name', versions: [1, 2] }])
    expect((await provider.prune({ keepVersions: 1 })).removed).toEqual([{ path: 'other', versions: [1] }])
    await provider.restore('other', context)
    expect((await provider.get('other', context))?.value).toBe('o2')
  })

  test('by an invalid number is CONFIGURATION and removes nothing', async () => {
    const provider = await withVersions(2)
    for (const keepVersions of [0, -1, 1.5, Number.NaN])
      expect((await failure(provider.prune({ keepVersions }))).code).toBe('CONFIGURATION')
    expect(await numbers(provider)).toEqual([1, 2])
  })

  test('of many secrets lets others read in between', async () => {
    const provider = opened(':memory:')
    for (let n = 0; n < 100; n++) for (const value of ['v1', 'v2']) await provider.put(`secret/${n}`, { value }, context)
    let reads = 0
    const pruning = provider.prune({ keepVersions: 1 })
    const reading = setInterval(() => void provider.get('secret/7', context).then(() => reads++), 0)
    expect((await pruning).pruned).toBe(100)
    clearInterval(reading)
    expect(reads).toBeGreaterThan(0)
  })
})

describe('a purged secret', () => {
  test('reads as missing, but its numbers stay used', async () => {
    const provider = await withVersions(3)
    await provider.delete('name', { purge: true }, context)
    const reads = [
      provider.get('name', context),
      provider.getVersion('name', 3, context),
      provider.describe('name', context),
      provider.staging.get('name', context),
    ]
    expect(await Promise.all(reads)).toEqual([undefined, undefined, undefined, undefined])
    expect((await failure(provider.put('name', { value: 'v1', version: 1 }, context))).message).toContain('the next is 4')
    expect((await provider.put('name', { value: 'v4', ifCurrent: null }, context)).version).toBe(4)
    expect(await provider.getVersion('name', 'previous', context)).toBeUndefined()
  })
})

describe('a deleted secret', () => {
  test('refuses writes until it is restored', async () => {
    const provider = await withVersions(1)
    await provider.delete('name', { purge: false }, context)
    const writes = [
      provider.put('name', { value: 'v2' }, context),
      provider.staging.put('name', { value: 'v2' }, context),
      provider.tag('name', { a: 'b' }, context),
    ]
    for (const write of writes) expect((await failure(write)).code).toBe('DELETED')
    await provider.delete('name', { purge: false }, context)
    await provider.restore('name', context)
    await provider.restore('name', context)
    expect((await provider.get('name', context))?.value).toBe('v1')
  })
})

describe('a pending version', () => {
  test('is never replaced, since its target may use it already', async () => {
    const provider = await withVersions(1)
    const pending = await provider.staging.put('name', { value: 'v2' }, context)
    expect(await failure(provider.staging.put('name', { value: 'v3' }, context))).toMatchObject({
      code: 'VERSION_CONFLICT',
      remedy: 'promote it or discard it',
    })
    expect(await provider.getVersion('name', 2, context)).toBeUndefined()
    await provider.staging.promote('name', pending, context)
    expect((await provider.getVersion('name', 2, context))?.value).toBe('v2')
  })
})

describe('a write is refused as a whole', () => {
  const wrong = {
    'too many tags': { value: 'v', tags: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`t${n}`, ''])) },
    'a tag without a name': { value: 'v', tags: { '': 'x' } },
    'a tag that is too long': { value: 'v', tags: { t: 'x'.repeat(513) } },
    // as JavaScript callers may do
    'a value that is neither text nor bytes': { value: 42 as unknown as string },
  }
  for (const [what, secret] of Object.entries(wrong)) {
    test(`with ${what}`, async () => {
      const provider = opened(':memory:')
      expect((await failure(provider.put('name', secret, context))).code).toBe('INVALID_ARGUMENT')
      expect(await provider.get('name', context)).toBeUndefined()
    })
  }

  test('in a batch, only the secret that is damaged or malformed fails', async () => {
    const provider = await withVersions(1)
    const [good, bad] = await provider.getMany(['name', 'a\nb'], context)
    expect(good).toMatchObject({ status: 'fulfilled', value: { value: 'v1' } })
    expect(bad?.status === 'rejected' && SecretsError.isInstance(bad.reason) && bad.reason.code).toBe('INVALID_ARGUMENT')
  })
})
