import { describe, expect, it, vi } from 'vitest'
import type { ChainRead } from './answer-at.ts'
import { Chain, FallbackTraversal, type Reading } from './chain.ts'
import type { SecretProvider } from '../contract/provider.ts'
import type { ChainEntry, Location } from './routing.ts'
import { SecretNotFoundError, SecretsError } from '../errors/secrets-error.ts'
import { chainEntryTo } from '../testing/chain-entries.ts'
import { tracing } from '../observe/trace-channels.ts'

const cached: ChainRead = { mode: 'cached' }

function walkTo(name: string, ...chainEntries: readonly ChainEntry[]): FallbackTraversal<Location> {
  return new FallbackTraversal(
    name,
    chainEntries.map((chainEntry) => ({ chainEntry, path: name, fields: [] })),
    [],
  )
}

const chain = (closing: AbortSignal = new AbortController().signal): Chain => new Chain(tracing(), closing)
const textOf = ({ held }: Reading): string => held.text()

describe('a batch', () => {
  it.each([
    ['cached', false],
    ['volatile', false],
    ['fresh', true],
    ['fresh volatile', true],
  ] as const)('of a %s read asks the store for what is fresh: %s', async (mode, fresh) => {
    const getMany = vi.fn<NonNullable<SecretProvider['getMany']>>(async (paths) =>
      paths.map((value) => ({ status: 'fulfilled', value: { value } })),
    )
    const chainEntry = chainEntryTo({ getMany })
    const asks = ['a', 'b'].map((name) => ({ traversal: walkTo(name, chainEntry), deliver: textOf }))
    await chain().readMany(asks, { mode })
    expect(getMany.mock.calls.map(([paths, context]) => [paths, context.fresh ?? false])).toEqual([[['a', 'b'], fresh]])
  })

  it('is aborted when the manager closes', async () => {
    const closing = new AbortController()
    const chainEntry = chainEntryTo({ getMany: () => new Promise(() => {}) })
    const asks = ['a', 'b'].map((name) => ({ traversal: walkTo(name, chainEntry), deliver: textOf }))
    const reading = chain(closing.signal).readMany(asks, cached)
    await Promise.resolve()
    closing.abort()
    const results = await reading
    expect([...results.values()]).toMatchObject([
      { status: 'rejected', reason: { code: 'ABORTED' } },
      { status: 'rejected', reason: { code: 'ABORTED' } },
    ])
  })

  it('reports the outcome of each secret', async () => {
    const chainEntry = chainEntryTo({ get: async (path) => (path === 'a' ? { value: 'v' } : undefined) })
    const [there, missing] = ['a', 'b'].map((name) => ({ traversal: walkTo(name, chainEntry), deliver: textOf }))
    if (there === undefined || missing === undefined) throw new Error('two were made')
    const results = await chain().readMany([there, missing], cached)
    expect(results.get(there)).toEqual({ status: 'fulfilled', value: 'v' })
    expect(results.get(missing)).toEqual({ status: 'rejected', reason: expect.any(SecretNotFoundError) })
  })
})

describe('a version', () => {
  const read = (chainEntry: ChainEntry, more: Partial<ChainRead> = {}, ...later: readonly ChainEntry[]): Promise<string> =>
    chain().read(walkTo('a', chainEntry, ...later), { mode: 'cached', version: 7, ...more }, textOf)
  const codeOf = (reading: Promise<unknown>): Promise<unknown> =>
    reading.catch((error: unknown) => (SecretsError.isInstance(error) ? error.code : error))

  it.each([
    ['cached', 1],
    ['fresh', 1],
    ['volatile', 0],
    ['fresh volatile', 0],
  ] as const)('that a store lacks leaves, read %s, so many values in memory: %d', async (mode, entries) => {
    const chainEntry = chainEntryTo({ get: async () => ({ value: 'v' }), getVersion: async () => undefined })
    expect(await codeOf(read(chainEntry, { mode }))).toBe('NOT_FOUND')
    expect(chainEntry.store.counts.entries).toBe(entries)
  })

  it('of a store without versions counts as missing only if the secret is missing too', async () => {
    const later = chainEntryTo({ get: async () => ({ value: 'v', version: 7 }), getVersion: async () => ({ value: 'old', version: 7 }) })
    const unsupported = async (): Promise<never> => Promise.reject(new SecretsError('UNSUPPORTED', 'no versions'))
    for (const getVersion of [undefined, unsupported]) {
      expect(await codeOf(read(chainEntryTo({ get: async () => ({ value: 'v' }), getVersion })))).toBe('UNSUPPORTED')
      expect(await codeOf(read(chainEntryTo({ getVersion })))).toBe('NOT_FOUND')
      expect(await read(chainEntryTo({ get: async () => ({ value: 'v' }), getVersion }), {}, later)).toBe('old')
    }
  })

  it.each(['DELETED', 'UNAVAILABLE'] as const)('that fails with %s is not looked for in the current secret', async (code) => {
    const get = vi.fn(async () => ({ value: 'v' }))
    const chainEntry = chainEntryTo({ get, getVersion: async () => Promise.reject(new SecretsError(code, 'x')) })
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    expect(await codeOf(read(chainEntry))).toBe(code)
    expect(get).not.toHaveBeenCalled()
  })
})
