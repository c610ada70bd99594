import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { generateKey } from '@finchat/secrets-core/sealing'
import type { KeyvCache } from '../keyv-cache.ts'
import { context, encryptionKey, fillGap, fleetOver, key, valueIn } from '../testing/fleet.ts'

const minute = 60_000
const otherKey = 'fedcba9876543210'.repeat(4)

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
  vi.spyOn(process, 'emitWarning').mockReturnValue()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** A miss, and the check that it starts in the background. */
async function miss(cache: KeyvCache, path: string = 'missed'): Promise<void> {
  const reading = cache.read({ ...key, path }, context)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(await reading).toHaveProperty('leaseToken')
}

const warnings = (): string[] => vi.mocked(process.emitWarning).mock.calls.map(([message]) => String(message))
const marks = (held: ReadonlyMap<string, string>): [string, string][] => [...held].filter(([name]) => name.startsWith('fs1:k'))

test('another key in the same namespace is reported to the operator once, with the remedy', async () => {
  const heard: unknown[] = []
  const hear = (message: unknown): void => void heard.push(message)
  subscribe('finchat.secrets.shared', hear)
  const { another } = fleetOver(undefined, { namespace: 'payments' })
  await miss(another())
  const wrong = another({ encryptionKey: otherKey })
  for (let reads = 0; reads < 3; reads += 1) {
    await miss(wrong, `path-${reads}`)
    await vi.advanceTimersByTimeAsync(11 * minute)
  }
  unsubscribe('finchat.secrets.shared', hear)
  expect(warnings()).toEqual([
    "The shared cache of secrets (namespace 'payments') is used with another key too, or was in the last half hour. Nothing is shared between keys. Give all processes the same `encryptionKey` (with several keys, the same `indexKey`), or each fleet its own `namespace`",
  ])
  expect(heard).toEqual([{ event: 'other-key', namespace: 'payments' }])
})

test('stats() says that the namespace is in use with another key, until it is not', async () => {
  const { another } = fleetOver()
  const cache = another()
  await miss(cache)
  const wrong = another({ encryptionKey: otherKey })
  await miss(wrong)
  expect([cache.stats().hasOtherKey, wrong.stats().hasOtherKey]).toEqual([false, true])
  await vi.advanceTimersByTimeAsync(31 * minute)
  await miss(wrong, 'another')
  expect(wrong.stats().hasOtherKey).toBe(false)
})

test('no warning for processes with the same index key, or another namespace or prefix', async () => {
  const { store, another } = fleetOver()
  const keys = [otherKey, encryptionKey] as const
  await miss(another())
  await miss(another({ encryptionKey: undefined, keys, indexKey: encryptionKey }))
  await miss(another({ encryptionKey: undefined, keys: [otherKey], indexKey: encryptionKey }), 'another')
  await miss(another({ encryptionKey: otherKey, namespace: 'others' }))
  await miss(another({ encryptionKey: otherKey, keyPrefix: 'others:' }))
  expect(warnings()).toEqual([])
  expect(marks(store.held)).toHaveLength(2)
})

test('a fleet that changed its key is warned for half an hour at most, and then leaves its own mark', async () => {
  const { another } = fleetOver()
  await miss(another())
  await vi.advanceTimersByTimeAsync(31 * minute)
  await miss(another({ encryptionKey: otherKey }))
  expect(warnings()).toEqual([])
  await miss(another())
  expect(warnings()).toHaveLength(1)
})

test('the mark is checked every ten minutes, and renewed, while there are misses', async () => {
  const { store, another } = fleetOver()
  const cache = another()
  const written: unknown[] = []
  for (let passed = 0; passed < 60; passed += 1) {
    await miss(cache, `path-${passed}`)
    await vi.advanceTimersByTimeAsync(minute)
    written.push(...marks(store.held).map(([, text]) => text))
  }
  expect(new Set(written).size).toBe(6)
  await miss(another({ encryptionKey: otherKey }))
  expect(warnings()).toHaveLength(1)
})

test('a planted mark delays the check only: it is checked again with a back-off', async () => {
  const { store, another } = fleetOver()
  const cache = another()
  await miss(cache, 'first')
  const [[name] = ['']] = marks(store.held)
  const checks: number[] = []
  store.plan = (call, at) => void (call === 'get' && at === name && checks.push(Date.now() / minute))
  const plant = (): void => void store.held.set(name, `AAAA${(Date.now() + 20 * minute).toString(36)}`)
  for (let passed = 0; passed < 400; passed += 1) {
    plant()
    await miss(cache, `path-${passed}`)
    await vi.advanceTimersByTimeAsync(minute - 1_000)
  }
  const waits = checks.slice(1).map((at, index) => Math.round(at - (checks[index] ?? 0)))
  expect(waits).toEqual([10, 20, 40, 80, 80, 80])
  expect(warnings()).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(80 * minute)
  await miss(cache, 'nothing is planted')
  expect(marks(store.held)[0]?.[1], 'its own mark').not.toMatch(/^AAAA/)
  plant()
  await vi.advanceTimersByTimeAsync(10 * minute)
  await miss(cache, 'planted again')
  expect(warnings()).toHaveLength(2)
})

test('processes that start together write the mark once', async () => {
  const { store, another } = fleetOver()
  await miss(another())
  const written: string[] = []
  store.plan = (call, name) => void (call === 'set' && written.push(name))
  for (let others = 0; others < 3; others += 1) await miss(another(), `path-${others}`)
  expect(written.filter((name) => name.startsWith('fs1:k'))).toEqual([])
})

test('a hit does not check the mark', async () => {
  const { store, another } = fleetOver()
  vi.useRealTimers()
  await fillGap(another(), { value: 'v' })
  const asked: string[] = []
  store.plan = (_, name) => void asked.push(name)
  expect(await valueIn(another({ encryptionKey }))).toBe('v')
  expect(asked.filter((name) => name.startsWith('fs1:k'))).toEqual([])
})

test('a failed check fails no read, and is retried', async () => {
  const { store, another } = fleetOver()
  await miss(another())
  store.plan = (_, name) => (name.startsWith('fs1:k') ? 'reject' : undefined)
  const wrong = another({ encryptionKey: otherKey })
  await miss(wrong)
  expect(warnings().join()).not.toContain('another key')
  store.plan = undefined
  await vi.advanceTimersByTimeAsync(10_000)
  await miss(wrong, 'another')
  expect(warnings().join()).toContain('another key')
})

test.each(['', 'nonsense', 'ü'.repeat(99), `${'x'.repeat(32)}zzzzzzzzzzzz`, `${'x'.repeat(32)}-1`])(
  'an invalid mark causes no warning, and is overwritten: %j',
  async (nonsense) => {
    const { store, another } = fleetOver()
    await miss(another())
    const [[name, mark] = ['', '']] = marks(store.held)
    expect(mark).not.toBe('')
    store.held.set(name, nonsense)
    await miss(another())
    expect([warnings(), store.held.get(name)?.slice(0, 4)]).toEqual([[], mark.slice(0, 4)])
  },
)

test('the mark reveals neither key nor namespace, and the warning does not quote the mark', async () => {
  const { store, another } = fleetOver(undefined, { namespace: 'canary-of-the-namespace', encryptionKey: generateKey() })
  await miss(another())
  await miss(another({ encryptionKey: otherKey }))
  const [[name, text] = ['', '']] = marks(store.held)
  expect(name).toMatch(/^fs1:k[\w-]{32}$/)
  expect(text).toMatch(/^[\w-]{4}[0-9a-z]{8}$/)
  expect(JSON.stringify([...store.held])).not.toContain('canary')
  for (const part of [name.slice(5), text, otherKey]) expect(warnings().join()).not.toContain(part)
})
