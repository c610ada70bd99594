import { describe, expect, it, vi } from 'vitest'
import { Batch } from './batch.ts'
import type { CallContext, SecretProvider, StoredSecret } from './contract.ts'
import { SecretsError } from './secrets-error.ts'

const context: CallContext = { signal: new AbortController().signal }

const get = (): ReturnType<typeof vi.fn<SecretProvider['get']>> => vi.fn<SecretProvider['get']>(async (path) => ({ value: `one ${path}` }))
const getMany = (): ReturnType<typeof vi.fn<NonNullable<SecretProvider['getMany']>>> =>
  vi.fn<NonNullable<SecretProvider['getMany']>>(async (paths) =>
    paths.map((path) => ({ status: 'fulfilled', value: { value: `many ${path}` } })),
  )

function provider(members: Partial<SecretProvider>): SecretProvider {
  return { specificationVersion: 'v1', name: 'p', get: get(), ...members }
}

/** As the flights of one round do: all join, then each asks. */
function askAll(batch: Batch, paths: readonly string[]): Promise<PromiseSettledResult<StoredSecret | undefined>[]> {
  for (const _ of paths) batch.join()
  batch.seal()
  return Promise.allSettled(paths.map((path) => batch.get(path)))
}

describe('Batch', () => {
  it('asks once for all, and hands each its own answer', async () => {
    const members = { get: get(), getMany: getMany() }
    const answers = await askAll(new Batch(provider(members), context), ['a', 'b', 'c'])
    expect(answers).toEqual(['a', 'b', 'c'].map((path) => ({ status: 'fulfilled', value: { value: `many ${path}` } })))
    expect(members.getMany.mock.calls).toEqual([[['a', 'b', 'c'], context]])
    expect(members.get).not.toHaveBeenCalled()
  })

  it('asks one by one where the store has no batch, and for a single secret', async () => {
    const without = provider({ getMany: undefined })
    expect(await askAll(new Batch(without, context), ['a', 'b'])).toMatchObject([
      { value: { value: 'one a' } },
      { value: { value: 'one b' } },
    ])
    const members = { get: get(), getMany: getMany() }
    expect(await askAll(new Batch(provider(members), context), ['a'])).toMatchObject([{ value: { value: 'one a' } }])
    expect(members.getMany).not.toHaveBeenCalled()
  })

  it('asks one by one where the store rejects a batch as UNSUPPORTED: that is as having none', async () => {
    const refusing = provider({ getMany: async () => Promise.reject(new SecretsError('UNSUPPORTED', 'x')) })
    expect(await askAll(new Batch(refusing, context), ['a', 'b'])).toMatchObject([
      { value: { value: 'one a' } },
      { value: { value: 'one b' } },
    ])
  })

  it('takes a result that is left out for a failure, never for "no such secret"', async () => {
    const sparse = provider({ getMany: async () => Array<PromiseSettledResult<undefined>>(2) })
    const failed = { status: 'rejected', reason: { code: 'INTERNAL' } }
    expect(await askAll(new Batch(sparse, context), ['a', 'b'])).toMatchObject([failed, failed])
  })

  it('gives everybody the failure of the whole, and each its own', async () => {
    const failing = provider({ getMany: async () => Promise.reject(new SecretsError('UNAVAILABLE', 'x')) })
    expect(await askAll(new Batch(failing, context), ['a', 'b'])).toMatchObject([
      { reason: { code: 'UNAVAILABLE' } },
      { reason: { code: 'UNAVAILABLE' } },
    ])
    const mixed = provider({
      getMany: async () => [
        { status: 'fulfilled', value: undefined },
        { status: 'rejected', reason: new SecretsError('DELETED', 'x') },
      ],
    })
    expect(await askAll(new Batch(mixed, context), ['a', 'b'])).toMatchObject([
      { status: 'fulfilled', value: undefined },
      { reason: { code: 'DELETED' } },
    ])
  })

  it('waits for all that joined, and not for those that left', async () => {
    const members = { getMany: getMany() }
    const batch = new Batch(provider(members), context)
    for (let count = 0; count < 3; count += 1) batch.join()
    void batch.get('a')
    batch.seal()
    void batch.get('b')
    expect(members.getMany).not.toHaveBeenCalled()
    batch.leave()
    expect(members.getMany.mock.calls.map(([paths]) => paths)).toEqual([['a', 'b']])
  })

  it('asks nothing when all have left', () => {
    const members = { get: get(), getMany: getMany() }
    const batch = new Batch(provider(members), context)
    batch.join()
    batch.leave()
    batch.seal()
    expect([members.get.mock.calls, members.getMany.mock.calls]).toEqual([[], []])
  })
})
