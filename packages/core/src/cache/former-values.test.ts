import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { cached } from '../testing/cache-trial.ts'
import { presentMoment } from '../value/moment.ts'
import type { SecretBytes } from '../value/secret-bytes.ts'
import { formerValue, noteValue, type Trace } from './former-values.ts'
import { Lru } from './keys/lru.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const values = ['canary-of-the-former', 'canary-of-the-current']

describe('the traces of values that a store gave', () => {
  it('hold digests of two values, and never a value', async () => {
    let given = 0
    const { store } = cached({ get: async () => ({ value: values[given] ?? '' }) })
    for (given of values.keys()) await store.read({ path: 'a', mode: 'fresh' })
    store.clear()
    expect(store.traces.get('a')?.before?.digests.size).toBe(3) // as bytes, as text and as JSON
    const shown = inspect(store.traces.get('a'), { depth: 10, showHidden: true, maxArrayLength: null })
    for (const value of values) expect(shown).not.toContain(value)
    for (const digest of store.traces.get('a')?.digests.values() ?? [])
      expect(Buffer.from(digest).toString('latin1')).not.toContain('canary')
  })

  it('are left by no value that the store did not give', async () => {
    const traces = new Lru<Trace>(10)
    const held = {
      metadata: { provider: 'store', askedAt: 0, toldSince: presentMoment() },
      digests: () => new Map(),
    } as unknown as SecretBytes // no other member is asked
    expect([noteValue(traces, 'a', held), traces.get('a')]).toEqual([undefined, undefined])
    expect(formerValue(traces, 'a', held, [])).toEqual({ since: held.metadata.toldSince, until: undefined, digest: undefined })
  })

  it('are forgotten by close(), and not made again', async () => {
    const { store } = cached({ get: async () => ({ value: 'v' }) })
    await store.read({ path: 'a', mode: 'cached' })
    store.clear()
    expect(store.traces.size).toBe(1)
    await store.read({ path: 'a', mode: 'cached' })
    await store.close()
    expect(store.traces.size).toBe(0)
  })

  it('are forgotten when the secret is withdrawn, also while memory holds it', async () => {
    const { store } = cached({ get: async () => ({ value: 'v' }) })
    await store.read({ path: 'a', mode: 'cached' })
    store.purged('a')
    await store.invalidate('a')
    expect(store.traces.size).toBe(0)
  })
})
