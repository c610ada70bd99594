import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Batch } from './batch.ts'
import type { CallContext, SecretProvider, StoredSecret } from '../contract/provider.ts'
import { SecretsError } from '../errors/secrets-error.ts'

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

/** A batch that so many flights have joined. */
function batchOf(of: SecretProvider, members: number, canCancel?: boolean): Batch {
  const batch = new Batch(of, context, canCancel)
  for (let count = 0; count < members; count += 1) batch.join()
  batch.seal()
  return batch
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('Batch', () => {
  it('asks once for all paths, and gives each reader its own answer', async () => {
    const members = { get: get(), getMany: getMany() }
    const answers = await askAll(new Batch(provider(members), context), ['a', 'b', 'c'])
    expect(answers).toEqual(['a', 'b', 'c'].map((path) => ({ status: 'fulfilled', value: { value: `many ${path}` } })))
    expect(members.getMany.mock.calls).toEqual([[['a', 'b', 'c'], context]])
    expect(members.get).not.toHaveBeenCalled()
  })

  it('asks one by one if the store has no batch, or for a single secret', async () => {
    const without = provider({ getMany: undefined })
    expect(await askAll(new Batch(without, context), ['a', 'b'])).toMatchObject([
      { value: { value: 'one a' } },
      { value: { value: 'one b' } },
    ])
    const members = { get: get(), getMany: getMany() }
    expect(await askAll(new Batch(provider(members), context), ['a'])).toMatchObject([{ value: { value: 'one a' } }])
    expect(members.getMany).not.toHaveBeenCalled()
  })

  it('asks one by one if the store rejects a batch as UNSUPPORTED', async () => {
    const refusing = provider({ getMany: async () => Promise.reject(new SecretsError('UNSUPPORTED', 'x')) })
    expect(await askAll(new Batch(refusing, context), ['a', 'b'])).toMatchObject([
      { value: { value: 'one a' } },
      { value: { value: 'one b' } },
    ])
  })

  it('treats a missing result as a failure, never as "no such secret"', async () => {
    const sparse = provider({ getMany: async () => Array<PromiseSettledResult<undefined>>(2) })
    const failed = { status: 'rejected', reason: { code: 'INTERNAL' } }
    expect(await askAll(new Batch(sparse, context), ['a', 'b'])).toMatchObject([failed, failed])
  })

  it('gives the failure of the batch to all readers, and the failure of one path to its reader', async () => {
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

  it('asks at once if the store has no batch', () => {
    const members = { get: get(), getMany: undefined }
    const batch = batchOf(provider(members), 2)
    void batch.get('a')
    expect(members.get.mock.calls.map(([path]) => path)).toEqual(['a'])
  })

  it('waits for flights that joined, and not for those that left', async () => {
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

  it('leaves no timer behind when it has asked', () => {
    const batch = batchOf(provider({ getMany: getMany() }), 3)
    for (const path of ['a', 'b', 'c']) void batch.get(path)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('asks nothing if all flights have left', () => {
    const members = { get: get(), getMany: getMany() }
    const batch = new Batch(provider(members), context)
    batch.join()
    batch.leave()
    batch.seal()
    expect([members.get.mock.calls, members.getMany.mock.calls]).toEqual([[], []])
  })
})

/** The hold of 10 ms, and the turn of the event loop in which it ends. */
const held = 11

describe('a batch with a member that does not decide', () => {
  const paths = (calls: readonly (readonly [readonly string[], CallContext])[]): readonly (readonly string[])[] =>
    calls.map(([each]) => each)

  it('is sent soon after the first path, and later paths are sent together', async () => {
    const members = { get: get(), getMany: getMany() }
    const batch = batchOf(provider(members), 6)
    const first = [batch.get('a'), batch.get('b')]
    await vi.advanceTimersByTimeAsync(9)
    expect(members.getMany).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(2)
    expect(await Promise.all(first)).toEqual([{ value: 'many a' }, { value: 'many b' }])
    await vi.advanceTimersByTimeAsync(1_000)
    const second = [batch.get('c'), batch.get('d')]
    await vi.advanceTimersByTimeAsync(held)
    expect(await Promise.all(second)).toEqual([{ value: 'many c' }, { value: 'many d' }])
    expect(paths(members.getMany.mock.calls)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ])
  })

  it('is one call if the other probes return shortly after the first', async () => {
    const members = { getMany: getMany() }
    const batch = batchOf(provider(members), 20)
    const names = Array.from({ length: 20 }, (_, index) => `secret-${index}`)
    for (const name of names) {
      void batch.get(name)
      await vi.advanceTimersByTimeAsync(0.4)
    }
    expect(paths(members.getMany.mock.calls)).toEqual([names])
  })

  it('includes answers that a busy process handles in the turn after the timer', async () => {
    const members = { getMany: getMany() }
    const batch = batchOf(provider(members), 3)
    void batch.get('a')
    // The timer was due long ago; the answers that came meanwhile are read in the same turn, after it.
    vi.advanceTimersToNextTimer()
    void batch.get('b')
    await vi.advanceTimersByTimeAsync(1)
    expect(paths(members.getMany.mock.calls)).toEqual([['a', 'b']])
  })

  it('is sent at once if all have decided', async () => {
    const members = { get: get(), getMany: getMany() }
    const batch = batchOf(provider(members), 2)
    void batch.get('a')
    batch.leave()
    expect(members.get).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a path without waiting readers', () => {
  const withdrawn = { status: 'rejected', reason: { code: 'ABORTED' } }

  it('is aborted at once, and left out of a call that is not sent yet', async () => {
    const members = { get: get(), getMany: getMany() }
    const batch = batchOf(provider(members), 4, true)
    const asked = ['a', 'b', 'c'].map((path) => batch.get(path))
    batch.cancel('b')
    expect(await Promise.allSettled([asked[1]])).toMatchObject([withdrawn])
    batch.leave()
    expect(await Promise.all([asked[0], asked[2]])).toEqual([{ value: 'many a' }, { value: 'many c' }])
    expect(members.getMany.mock.calls.map(([each]) => each)).toEqual([['a', 'c']])
  })

  it('leaves nothing to ask if it was the only path', async () => {
    const members = { get: get(), getMany: getMany() }
    const batch = batchOf(provider(members), 2, true)
    const asked = batch.get('a')
    batch.cancel('a')
    expect(await Promise.allSettled([asked])).toMatchObject([withdrawn])
    await vi.advanceTimersByTimeAsync(1_000)
    batch.leave()
    expect([members.get.mock.calls, members.getMany.mock.calls]).toEqual([[], []])
  })

  it('aborts its call, and no other, if no reader waits for the other paths of that call', async () => {
    const signals: AbortSignal[] = []
    const hanging: SecretProvider['getMany'] = async (_, { signal }) => (signals.push(signal), new Promise(() => {}))
    const batch = batchOf(provider({ getMany: hanging }), 5, true)
    void [batch.get('a'), batch.get('b')]
    await vi.advanceTimersByTimeAsync(held)
    void [batch.get('c'), batch.get('d')]
    await vi.advanceTimersByTimeAsync(held)
    const ended = (): boolean[] => signals.map(({ aborted }) => aborted)
    batch.cancel('a')
    batch.cancel('c')
    batch.cancel('unknown')
    expect(ended()).toEqual([false, false])
    batch.cancel('b')
    expect(ended()).toEqual([true, false])
    batch.cancel('d')
    expect(ended()).toEqual([true, true])
  })
})
