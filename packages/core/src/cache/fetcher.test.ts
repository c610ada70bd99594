import { expect, it, vi } from 'vitest'
import { Batch } from './batch.ts'
import type { ProviderCache } from './provider-cache.ts'
import type { SharedCache } from '../contract/shared-cache.ts'
import { MemoryCache } from './entries.ts'
import { cached, type Get, onCacheClock, pass, second, seen, shared, start } from '../testing/cache-trial.ts'

onCacheClock()

/** Reads `a` and `b` in one batch; `undefined` for one that still waits when a minute is over. */
async function batched(store: ProviderCache, get: Get): Promise<(string | undefined)[]> {
  const context = { signal: new AbortController().signal }
  const batch = new Batch({ specificationVersion: 'v1', name: 'p', get }, context)
  const outcomes: (string | undefined)[] = [undefined, undefined]
  for (const [index, path] of ['a', 'b'].entries()) {
    void seen(store, { path, batch }).then(
      (text) => (outcomes[index] = text),
      (error: unknown) => (outcomes[index] = String(error)),
    )
  }
  batch.seal()
  await pass(60)
  return outcomes
}

const hit = { value: 'shared' }
const isOfA = ({ path }: { readonly path: string }): boolean => path === 'a'
const gap: SharedCache['read'] = async () => ({ leaseToken: { generation: 1 } })

/** What a shared cache could hold: bytes whose memory was given away, of which no copy can be made. */
function detached(): Uint8Array {
  const bytes = new Uint8Array(8)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

it.each<[string, SharedCache['read'], string]>([
  ['the probe of a shared cache that fails closed', async () => Promise.reject(new Error('down')), 'UNAVAILABLE'],
  ['a probe that never answers', async () => new Promise(() => {}), 'UNAVAILABLE'],
  ['what the shared cache holds', async () => ({ hit: { value: detached() }, until: start + 9 * second }), 'TypeError'],
])('a batch is sent though one of its reads ends with the failure of %s', async (_, answer, outcome) => {
  const { client, read } = shared({ failClosed: true })
  read.mockImplementation((key, context) => (isOfA(key) ? answer : gap)(key, context))
  const { store, get } = cached({}, { shared: client })
  expect(await batched(store, get)).toEqual([expect.stringContaining(outcome), 'v1'])
  await store.close()
})

it.each(['keep', 'confirm', 'isOvertaken'] as const)('a batch is sent although memory fails one of its reads (%s)', async (step) => {
  const { client, read } = shared()
  const { store, get } = cached({}, { shared: client })
  await seen(store)
  await pass(6)
  read.mockImplementation(async (key, context) => {
    if (!isOfA(key)) return gap(key, context)
    const value = step === 'confirm' ? { value: 'v1' } : hit
    return { hit: value, until: Date.now() + 9 * second, askedAt: step === 'confirm' ? start : Date.now() }
  })
  const original = MemoryCache.prototype[step] as (...args: unknown[]) => unknown // each is called as it was
  vi.spyOn(MemoryCache.prototype, step).mockImplementation(function (this: MemoryCache, ...args: readonly unknown[]): never {
    const [first] = args
    const key = typeof first === 'string' ? first : (first as { key: string }).key // a flight or an entry
    if (key === 'a') throw new TypeError('on purpose')
    return original.call(this, ...args) as never // whatever it is
  })
  expect(await batched(store, get)).toEqual(['TypeError: on purpose', 'v1'])
  await store.close()
})

it('a read that fails after it found a gap releases its fill lease', async () => {
  const { client, fill } = shared()
  const { store, get } = cached({}, { shared: client })
  get.mockImplementation(async () => {
    throw new TypeError('on purpose')
  })
  await expect(seen(store)).rejects.toThrow('on purpose')
  expect(fill.mock.calls.map(([, leaseToken, entry]) => [leaseToken, entry])).toEqual([[{ generation: 1 }, undefined]])
})
