import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { context, fillGap, fleetOver, key, valueIn } from '../testing/fleet.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())
afterEach(() => void vi.restoreAllMocks())

test('the diagnostics channel reports ignored entries and failures, with their path and never a value', async () => {
  const heard: unknown[] = []
  const hear = (message: unknown): void => void heard.push(message)
  subscribe('finchat.secrets.shared', hear)
  const { store, another } = fleetOver(undefined, { namespace: 'payments' })
  const cache = another()
  await fillGap(cache, { value: 'canary-0d1c' })
  for (const name of store.held.keys()) if (name.includes('}e')) store.held.set(name, 'planted')
  await valueIn(cache)
  store.plan = () => 'reject'
  await cache.read(key, context)
  unsubscribe('finchat.secrets.shared', hear)
  expect(heard).toContainEqual({ event: 'ignored', reason: 'unreadable', namespace: 'payments', ...key, version: undefined })
  expect(heard).toContainEqual({ event: 'failed', reason: 'failed', namespace: 'payments' })
  expect(JSON.stringify(heard)).not.toContain('canary')
})

test('stats() counts reads, fills and invalidations', async () => {
  const { another } = fleetOver()
  const cache = another()
  await fillGap(cache, { value: 'v' })
  await valueIn(cache)
  await valueIn(cache)
  await cache.invalidate(key, context)
  expect(cache.stats()).toMatchObject({ hits: 2, misses: 1, leases: 1, waits: 0, fills: 1, invalidations: 1, unavailable: 0 })
})

test('a namespace cannot forge a log line', async () => {
  const { store, another } = fleetOver(undefined, { namespace: 'pay\n[error] all is lost \u001b[2J\u009b\u202eé' })
  store.plan = () => 'reject'
  await another().read(key, context)
  const warning = String(vi.mocked(process.emitWarning).mock.calls[0]?.[0])
  expect(warning).toContain(String.raw`'pay\u{a}[error] all is lost \u{1b}[2J\u{9b}\u{202e}\u{e9}'`)
})
