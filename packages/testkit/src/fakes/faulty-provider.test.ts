import type { CallContext, ListedSecret, SecretProvider } from '@finchat/secrets-core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { faults, faultyProvider, memoryProvider, type Fault, type FaultyProvider, type MemoryProvider } from '../index.ts'

const context: CallContext = { signal: new AbortController().signal }
const store = (): ReturnType<typeof memoryProvider> => memoryProvider({ secrets: { api_key: 'v1' } })
const always = (fault: Fault): FaultyProvider<MemoryProvider> => faultyProvider(store(), () => fault)

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a faulty provider', () => {
  test('answers as the wrapped provider where the plan returns nothing', async () => {
    const provider = faultyProvider(store(), () => undefined)
    expect(await provider.get('api_key', context)).toMatchObject({ value: 'v1', version: 1 })
    expect(provider.name).toBe('memory')
  })

  test('counts its calls, by method and in total', async () => {
    const provider = faultyProvider(store(), () => undefined)
    await provider.get('api_key', context)
    await provider.get('api_key', context)
    await provider.staging?.get('api_key', context)
    expect([provider.calls(), provider.calls('get'), provider.calls('staging.get'), provider.calls('put')]).toEqual([3, 2, 1, 0])
  })

  test('decides by method, path and count', async () => {
    const provider = faultyProvider(store(), ({ method, args, count }) =>
      method === 'get' && args[0] === 'api_key' && count === 2 ? faults.reject('UNAVAILABLE') : undefined,
    )
    await provider.get('api_key', context)
    await expect(provider.get('api_key', context)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await provider.get('api_key', context)).toMatchObject({ value: 'v1' })
  })

  test('rejects with a code and details, without calling the provider', async () => {
    const provider = always(faults.reject('RATE_LIMITED', { retryAt: 42 }))
    await expect(provider.put('api_key', { value: 'v2' }, context)).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAt: 42 })
  })

  test('hangs until its signal is aborted', async () => {
    const controller = new AbortController()
    const call = always(faults.hang()).get('api_key', { signal: controller.signal })
    const settled = vi.fn<() => void>()
    call.then(settled, settled)
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(settled).not.toHaveBeenCalled()
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('answers late, by a timer', async () => {
    const call = always(faults.delay(100)).get('api_key', context)
    const settled = vi.fn<() => void>()
    void call.then(settled)
    await vi.advanceTimersByTimeAsync(99)
    expect(settled).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(await call).toMatchObject({ value: 'v1' })
  })

  test('ends the delay when its signal is aborted', async () => {
    const controller = new AbortController()
    const call = always(faults.delay(100)).get('api_key', { signal: controller.signal })
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' })
    expect(vi.getTimerCount()).toBe(0)
    await expect(always(faults.delay(100)).get('api_key', { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('returns garbage, and throws foreign errors', async () => {
    expect(await always(faults.answer('<html>')).get('api_key', context)).toBe('<html>')
    await expect(always(faults.throwForeign(new TypeError('fetch failed'))).get('api_key', context)).rejects.toThrow(TypeError)
  })

  test('loses the answer of a write after it took effect', async () => {
    const good = store()
    const provider = faultyProvider(good, ({ method }) => (method === 'put' ? faults.loseAnswer() : undefined))
    await expect(provider.put('api_key', { value: 'v2' }, context)).rejects.toMatchObject({ code: 'UNAVAILABLE', effect: 'unknown' })
    expect(await good.get('api_key', context)).toMatchObject({ value: 'v2' })
  })

  test('lists as the wrapped provider, and fails by plan', async () => {
    expect(await all(faultyProvider(store(), () => undefined))).toEqual([{ path: 'api_key', tags: {} }])
    await expect(all(always(faults.reject('UNAVAILABLE')))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  test('closes whatever the plan', async () => {
    const provider = always(faults.hang())
    await expect(provider.close(context)).resolves.toBeUndefined()
    expect(provider.calls('close')).toBe(1)
  })

  test('has the members of the wrapped provider, and no others', () => {
    const { list: _list, put: _put, ...rest } = store()
    const readOnly: SecretProvider = rest
    const provider = faultyProvider(readOnly, () => undefined)
    expect([provider.list, provider.put]).toEqual([undefined, undefined])
  })
})

async function all(provider: ReturnType<typeof faultyProvider>): Promise<readonly ListedSecret[]> {
  const listed: ListedSecret[] = []
  for await (const secret of provider.list?.('', context) ?? []) listed.push(secret)
  return listed
}
