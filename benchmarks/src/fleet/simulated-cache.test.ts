import type { LeaseToken, SharedCache, SharedEntry, SharedRead } from '@finchat/secrets-core'
import { expect, test } from 'vitest'
import { CountingStore } from './counting-store.ts'
import { SimulatedCache } from './simulated-cache.ts'
import { inVirtualTime, type VirtualTime } from './virtual-time.ts'

const key = { sharedAs: 'store', path: 'a' }
const context = { signal: new AbortController().signal, notBefore: 0 }
const read = ({ cache }: { readonly cache: SharedCache }): Promise<SharedRead> => cache.read(key, context)
const fill = ({ cache: { fill: give } }: { readonly cache: SharedCache }, leaseToken: LeaseToken, entry?: SharedEntry): Promise<void> =>
  give(key, leaseToken, entry, context)
const leaseTokenOf = (answer: SharedRead): LeaseToken => ('leaseToken' in answer ? answer.leaseToken : {})

function timed(time: VirtualTime, answer: Promise<SharedRead>): Promise<{ readonly at: number; readonly answer: SharedRead }> {
  return answer.then((given) => ({ at: time.now(), answer: given }))
}

function later<T>(time: VirtualTime, ms: number, promise: Promise<T>): Promise<T> {
  return time.runUntil(ms).then(() => promise)
}

test('the fill lease of a process without an answer ends after half a second, and the next process gets it', async () => {
  await inVirtualTime(1, async (time) => {
    const sharedCache = new SimulatedCache(time)
    const [one, other] = [sharedCache.client(), sharedCache.client()]
    await read(one)
    expect([one.hasLease('a'), other.hasLease('a')]).toEqual([true, false])
    const { at } = await later(time, 3_000, timed(time, read(other)))
    expect(at).toBe(500)
  })
})

test('after three leases without an answer a waiting process asks by itself', async () => {
  await inVirtualTime(1, async (time) => {
    const sharedCache = new SimulatedCache(time)
    const clients = Array.from({ length: 20 }, () => sharedCache.client())
    const asked = clients.map(async (client) => {
      const answer = await read(client)
      time.after(20, () => void fill(client, leaseTokenOf(answer)))
      return Object.keys(leaseTokenOf(answer)).length
    })
    const leases = await later(time, 3_000, Promise.all(asked))
    expect(leases.filter((count) => count === 1).length).toBeLessThan(20)
    expect(leases.filter((count) => count === 0).length).toBeGreaterThan(5)
  })
})

test('a waiting process takes the answer, and the release of an expired lease ends no other lease', async () => {
  await inVirtualTime(1, async (time) => {
    const sharedCache = new SimulatedCache(time)
    const [late, holder, waiting] = [sharedCache.client(), sharedCache.client(), sharedCache.client()]
    const old = leaseTokenOf(await read(late))
    await time.runUntil(600)
    const leaseToken = leaseTokenOf(await read(holder))
    const waited = timed(time, read(waiting))
    await fill(late, old)
    expect(holder.hasLease('a')).toBe(true)
    time.after(100, () => void fill(holder, leaseToken, { secret: { value: 'v' }, until: Date.now() + 60_000, askedAt: Date.now() }))
    const { at, answer } = await later(time, 3_000, waited)
    expect([at, 'hit' in answer]).toEqual([700, true])
  })
})

test('an outage holds back processes with a value, while one of them looks every four seconds', async () => {
  await inVirtualTime(1, async (time) => {
    const sharedCache = new SimulatedCache(time)
    const [one, other, empty] = [sharedCache.client(), sharedCache.client(), sharedCache.client()]
    const waitOf = (answer: SharedRead): unknown => ('wait' in answer ? answer.wait : undefined)
    const canWait = { ...context, canWait: true }
    const leaseToken = leaseTokenOf(await one.cache.read(key, canWait))
    expect([one.looksForAll('a'), other.looksForAll('a')]).toEqual([true, false])
    await one.cache.markOutage?.(key, leaseToken, context)
    expect(waitOf(await other.cache.read(key, canWait))).toBe(true)
    await read(empty)
    expect([empty.hasLease('a'), empty.looksForAll('a')]).toEqual([true, false])
    await time.runUntil(4_000)
    await other.cache.read(key, canWait)
    expect(other.looksForAll('a')).toBe(true)
  })
})

test('a store that hangs counts the call and never answers it, back or not', async () => {
  await inVirtualTime(1, async (time) => {
    const store = new CountingStore(time)
    const { get } = store.provider({ hasLease: () => true, looksForAll: () => false }, { batches: false })
    let answers = 0
    store.fault = 'hangs'
    void get('a', context).then(() => (answers += 1))
    store.fault = undefined
    void get('a', context).then(() => (answers += 10))
    await time.runUntil(10_000)
    expect([answers, store.calls.forOne, store.calls.forAll]).toEqual([10, [1], [1]])
  })
})
