import type { LeaseToken, SharedRead } from '@finchat/secrets-core'
import { expect, test } from 'vitest'
import { CountingStore } from './counting-store.ts'
import { noJitter } from './latency.ts'
import { SimulatedCache } from './simulated-cache.ts'
import { SimulatedServer } from './simulated-server.ts'
import { inVirtualTime, type VirtualTime } from './virtual-time.ts'

const key = { sharedAs: 'store', path: 'a' }
const context = { signal: new AbortController().signal, notBefore: 0 }
const canWait = { ...context, canWait: true }
const leaseTokenOf = (answer: SharedRead): LeaseToken => ('leaseToken' in answer ? answer.leaseToken : {})

function later<T>(time: VirtualTime, ms: number, promise: Promise<T>): Promise<T> {
  return time.runUntil(time.now() + ms).then(() => promise)
}

test('a server answers after both ways, keeps the order, and ends a text with its time to live', async () => {
  await inVirtualTime(1, async (time) => {
    const { store, client } = new SimulatedServer(time, noJitter(5)).connect()
    const answers: unknown[] = []
    void client.set(...(['a', 'one', { PX: 100, NX: true }] as never[])).then((answer) => answers.push(answer, time.now()))
    void client.set(...(['a', 'two', { PX: 100, NX: true }] as never[])).then((answer) => answers.push(answer, time.now()))
    void store.getMany(['a', 'b']).then((answer) => answers.push(answer, time.now()))
    await time.runUntil(50)
    expect(answers).toEqual(['OK', 10, null, 10, ['one', undefined], 10])
    expect(await later(time, 100, store.getMany(['a']))).toEqual(['one'])
    expect(await later(time, 100, store.getMany(['a']))).toEqual([undefined])
  })
})

test('a server that is down refuses, and counts the command', async () => {
  await inVirtualTime(1, async (time) => {
    const server = new SimulatedServer(time)
    server.isDown = true
    await expect(server.connect().client.get('a')).rejects.toThrow('refused')
    expect(server.commands.forOne).toEqual([1])
  })
})

test('whether a process asks for all: it holds the fill lease, and in an outage it has a value too', async () => {
  await inVirtualTime(1, async (time) => {
    const sharedCache = new SimulatedCache(time)
    const [one, other, empty] = [sharedCache.client(), sharedCache.client(), sharedCache.client()]
    const leaseToken = leaseTokenOf(await later(time, 100, one.cache.read(key, canWait)))
    expect([one.hasLease('a'), one.asksForAll('a'), other.hasLease('a')]).toEqual([true, true, false])
    await later(time, 100, one.cache.markOutage?.(key, leaseToken, context) ?? Promise.reject(new Error('it marks no outage')))
    expect(one.hasLease('a')).toBe(false)
    expect(await later(time, 100, other.cache.read(key, canWait))).toMatchObject({ wait: true })
    await later(time, 100, empty.cache.read(key, context))
    expect([empty.hasLease('a'), empty.asksForAll('a')]).toEqual([true, false])
  })
})

test('a store that hangs counts the call and never answers it, back or not', async () => {
  await inVirtualTime(1, async (time) => {
    const store = new CountingStore(time)
    const { get } = store.provider({ hasLease: () => true, asksForAll: () => false }, { batches: false })
    let answers = 0
    store.fault = 'hangs'
    void get('a', context).then(() => (answers += 1))
    store.fault = undefined
    void get('a', context).then(() => (answers += 10))
    await time.runUntil(10_000)
    expect([answers, store.calls.forOne, store.calls.forAll]).toEqual([10, [1], [1]])
  })
})
