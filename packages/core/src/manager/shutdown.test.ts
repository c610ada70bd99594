import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { bounded } from '../guard/deadline.ts'
import { closeAll, closingGroups, type ClosingParts } from './shutdown.ts'
import type { AuditTrail } from '../contract/audit.ts'
import type { SecretProvider } from '../contract/provider.ts'
import type { SharedCache } from '../contract/shared-cache.ts'
import { chainEntryOf } from './build-chain.ts'
import { settingsOf } from './manager-options.ts'
import { Observer } from '../observe/operation.ts'
import { Zeroizer } from '../value/zeroizer.ts'
import { refusal } from '../testing/refusal.ts'
import { tracing } from '../observe/trace-channels.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const read = { operation: 'get', name: 'db', effect: false } as const

function hung(): Promise<never> {
  return new Promise(() => {})
}

/** Parts that write down the order in which they are ended. */
function parts(
  members: Partial<ClosingParts> = {},
): ClosingParts & { order: string[]; closes: (name: string, close?: () => Promise<void>) => { name: string; close: () => Promise<void> } } {
  const order: string[] = []
  const giveUp = new AbortController()
  giveUp.signal.addEventListener('abort', () => order.push('give up'))
  const observer = new Observer(undefined, tracing(), { deadlineMs: 60_000, closing: giveUp.signal })
  const closes = (name: string, close = async (): Promise<void> => {}): { name: string; close: () => Promise<void> } => ({
    name,
    close: () => (order.push(name), close()),
  })
  return { observer, giveUp, endFills: new AbortController(), groups: [], wipe: () => void order.push('wipe'), ...members, order, closes }
}

describe('closeAll', () => {
  it('drains, gives up, closes group by group, and wipes last', async () => {
    const all = parts()
    const slowly = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100))
    const groups = [[all.closes('a', slowly), all.closes('b')], [all.closes('c')]]
    const closing = closeAll({ ...all, groups }, {})
    await vi.advanceTimersByTimeAsync(99)
    expect(all.order).toEqual(['give up', 'a', 'b'])
    await vi.advanceTimersByTimeAsync(1)
    await closing
    expect(all.order).toEqual(['give up', 'a', 'b', 'c', 'wipe'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('refuses new calls at once, and lets running calls end', async () => {
    const all = parts()
    const running = all.observer.observe(read, {}, () => new Promise((resolve) => setTimeout(resolve, 3_000, 'v')))
    const closing = closeAll(all, { timeoutMs: 5_000 })
    await expect(all.observer.observe(read, {}, async () => 'late')).rejects.toThrow(expect.objectContaining({ code: 'ABORTED' }))
    await vi.advanceTimersByTimeAsync(3_000)
    await closing
    expect(await running).toBe('v')
  })

  it('aborts calls that still run when the time is up', async () => {
    const all = parts()
    const { observer, giveUp } = all
    const running = refusal(observer.observe(read, {}, () => bounded(hung, { deadlineMs: 60_000, closing: giveUp.signal })))
    const closing = closeAll(all, { timeoutMs: 200 })
    await vi.advanceTimersByTimeAsync(199)
    expect(all.order).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    await closing
    expect(await running).toMatchObject({ code: 'ABORTED', secret: 'db', message: expect.stringContaining('closed') })
    expect(all.order).toEqual(['give up', 'wipe'])
  })

  it('closes the others and wipes if a part fails or hangs, and names that part', async () => {
    const all = parts()
    const groups = [
      [all.closes('a', async () => Promise.reject(new Error('canary-1f0c'))), all.closes('b')],
      [all.closes('c', hung)],
      [all.closes('d')],
    ]
    const closing = refusal(closeAll({ ...all, groups }, { timeoutMs: 100 }))
    await vi.advanceTimersByTimeAsync(100)
    const error = await closing
    expect(all.order).toEqual(['give up', 'a', 'b', 'c', 'd', 'wipe'])
    expect(error).toMatchObject({
      code: 'UNAVAILABLE',
      effect: 'done',
      message: 'closed and wiped, but not everything could be ended: a, c',
    })
  })

  it('accepts a part without close, and one that throws at once', async () => {
    const all = parts()
    const throwing = {
      name: 'a',
      close: () => {
        throw new TypeError('x')
      },
    }
    expect(await refusal(closeAll({ ...all, groups: [[{ name: 'b', close: undefined }, throwing]] }, {}))).toMatchObject({
      message: expect.stringMatching(/: a$/),
    })
  })
})

describe('closingGroups', () => {
  it('closes caches before their providers, and the audit trail last', async () => {
    const order: string[] = []
    const ends = (name: string) => async (): Promise<void> => void order.push(name)
    const provider: SecretProvider = { specificationVersion: 'v1', name: 'p', get: async () => undefined, close: ends('provider') }
    const shared: SharedCache = {
      specificationVersion: 'v1',
      read: async () => ({ leaseToken: {} }),
      fill: async () => {},
      invalidate: async () => {},
      close: ends('shared'),
    }
    const audit: AuditTrail = { specificationVersion: 'v1', record: async () => {}, close: ends('audit') }
    const options = { providers: [provider], cache: { shared }, audit }
    const bounds = { deadlineMs: 5_000, closing: new AbortController().signal }
    const chainEntry = chainEntryOf(provider, {
      shared,
      settings: settingsOf(options),
      bounds,
      closingFills: bounds.closing,
      zeroizer: new Zeroizer(),
      tracing: tracing(),
    })
    vi.spyOn(chainEntry.store, 'close').mockImplementation(ends('store'))
    await closeAll({ ...parts(), groups: closingGroups([chainEntry], options) }, {})
    expect(order).toEqual(['store', 'provider', 'shared', 'audit'])
  })

  it('waits for fills of the shared cache, and does not fail if one hangs', async () => {
    const order: string[] = []
    const shared: SharedCache = {
      specificationVersion: 'v1',
      read: async () => ({ leaseToken: {} }),
      fill: (_, __, ___, { signal }) => new Promise(() => signal.addEventListener('abort', () => order.push('the fill was ended'))),
      invalidate: async () => {},
      close: async () => void order.push('shared'),
    }
    const provider: SecretProvider = { specificationVersion: 'v1', name: 'p', sharedAs: 'store', get: async () => ({ value: 'v' }) }
    const options = { providers: [provider], cache: { shared } }
    const all = parts()
    const bounds = { deadlineMs: 5_000, closing: all.giveUp.signal }
    const chainEntry = chainEntryOf(provider, {
      shared,
      settings: settingsOf(options),
      bounds,
      closingFills: all.endFills.signal,
      zeroizer: new Zeroizer(),
      tracing: tracing(),
    })
    await chainEntry.store.read({ path: 'a', mode: 'cached' })
    const closing = closeAll({ ...all, groups: closingGroups([chainEntry], options) }, { timeoutMs: 300 })
    await vi.advanceTimersByTimeAsync(299)
    expect(order).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    await closing
    expect(order).toEqual(['the fill was ended', 'shared'])
    expect(vi.getTimerCount()).toBe(0)
  })
})
