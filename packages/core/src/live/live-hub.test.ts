import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SecretProvider } from '../contract/provider.ts'
import type { SharedCache } from '../contract/shared-cache.ts'
import { liveSecret, watchSecret } from '../live.ts'
import { createSecretsManager } from '../manager/create-manager.ts'
import { stagingStore, type StagingStore } from '../testing/staging-store.ts'

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
type Probe = NonNullable<SecretProvider['probe']>

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_000 })
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

interface Hinting {
  readonly store: StagingStore
  readonly changes: NonNullable<SecretProvider['changes']>
  readonly end: () => void
  /** A hint of the store; of all its paths without one. */
  readonly hint: (path?: string) => void
}

/** A store that hints, at the path of each name unless told otherwise. */
function hinting(members: Partial<SecretProvider> = {}): Hinting {
  const listeners: ((path?: string) => void)[] = []
  const end = vi.fn<() => void>()
  const changes = vi.fn<NonNullable<SecretProvider['changes']>>((listener) => (listeners.push(listener), end))
  const store = stagingStore({ value: 'v1', version: 1 }, { changes, ...members })
  return { store, changes, end, hint: (path) => listeners.at(-1)?.(path) }
}

describe('the hints of a manager', () => {
  it('are heard once for all its watches, until the last of them ends', async () => {
    const { store, changes, end } = hinting()
    const secrets = createSecretsManager({ providers: [store.provider] })
    const watches = ['a', 'b'].map((name) => watchSecret(secrets, name))
    await pass(0)
    expect(changes).toHaveBeenCalledTimes(1)
    await watches[0]?.return?.()
    expect(end).not.toHaveBeenCalled()
    await watches[1]?.return?.()
    expect(end).toHaveBeenCalledTimes(1)
    watchSecret(secrets, 'a')
    expect(changes).toHaveBeenCalledTimes(2)
  })

  it('end with the manager', async () => {
    const { store, end } = hinting()
    const secrets = createSecretsManager({ providers: [store.provider] })
    watchSecret(secrets, 'db')
    await pass(0)
    await secrets.close()
    expect(end).toHaveBeenCalledTimes(1)
  })

  it('concern a name wherever the chain has it', async () => {
    const { store, hint } = hinting({ name: 'second' })
    const first = stagingStore({ value: 'v1', version: 1 })
    watchSecret(createSecretsManager({ providers: [first.provider, store.provider] }), 'db')
    await pass(0)
    hint('db')
    await pass(0)
    expect(first.calls['probe']).toBe(1)
  })

  it('of one path make all its names look at once', async () => {
    const { store, hint } = hinting({ locate: () => ({ path: 'one' }) })
    const secrets = createSecretsManager({ providers: [store.provider] })
    for (const name of ['a', 'b']) watchSecret(secrets, name)
    await pass(0)
    hint('one')
    await pass(0)
    expect(store.calls['probe']).toBe(2)
  })
})

describe('an announcement of the shared cache during a probe', () => {
  const ways: Record<string, (hint: () => void, write: () => Promise<unknown>) => unknown> = {
    'a hint of the store': (hint) => hint(),
    'a write of this process': (_hint, write) => write(),
  }

  it.each(Object.entries(ways))('does not replace the probe that %s asked for', async (_, ask) => {
    let announce: ((key: { sharedAs: string; path: string }) => void) | undefined
    const shared: SharedCache = {
      specificationVersion: 'v1',
      read: async () => ({ leaseToken: {} }),
      fill: async () => {},
      invalidate: async () => {},
      subscribe: (listener) => ((announce = listener), () => {}),
    }
    const held: (() => void)[] = []
    const probe = vi.fn<Probe>(() => new Promise((resolve) => held.push(() => resolve({ version: 1 }))))
    const { store, hint } = hinting({ sharedAs: 's', probe })
    const secrets = createSecretsManager({ providers: [store.provider], cache: { shared } })
    watchSecret(secrets, 'db')
    await pass(0)
    hint('db')
    await pass(0)
    await ask(
      () => hint('db'),
      () => createSecretsManager({ providers: [store.provider] }).rotateSecret('db', 'v1'),
    )
    announce?.({ sharedAs: 's', path: 'db' })
    held.shift()?.()
    await pass(0)
    expect(probe).toHaveBeenCalledTimes(2)
  })
})

describe('a fresh value that a refused login found', () => {
  it('reaches at once all who watch the secret', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = createSecretsManager({ providers: [store.provider] })
    const changed = vi.fn<() => void>()
    watchSecret(secrets, 'db', { onChange: changed })
    const handle = liveSecret(secrets, 'db')
    await handle.ready
    store.current = { value: 'v2', version: 2 }
    await handle.refused(handle.current)
    expect([changed.mock.calls.length, handle.current.reveal(), store.calls['probe']]).toEqual([1, 'v2', undefined])
  })
})
