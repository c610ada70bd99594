import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SecretProvider, StoredSecret } from '../contract/provider.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { createSecretsManager } from '../manager/create-manager.ts'
import type { SecretsManagerOptions } from '../manager/manager-options.ts'
import { partsOf } from '../manager/parts.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import { stagingStore } from '../testing/staging-store.ts'
import { LiveState } from './known/live-state.ts'
import { Schedule } from './schedule.ts'
import { Watch, type WatchListener } from './watch.ts'

const canary = 'canary-77b0'
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
const fails = (code: 'UNAVAILABLE' | 'PERMISSION_DENIED') => (): Promise<never> => Promise.reject(new SecretsError(code, canary))
type Probe = NonNullable<SecretProvider['probe']>

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_000 })
  // Half of the first interval; three quarters of each pause in an outage.
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

interface Watched {
  readonly secrets: SecretsManager
  readonly state: LiveState
  readonly watch: Watch
  readonly left: () => void
  /** Milliseconds of each pause that it planned. */
  readonly pauses: () => number[]
}

function watched(providers: readonly SecretProvider[], more: Partial<SecretsManagerOptions> = {}): Watched {
  const secrets = createSecretsManager({ providers, ...more })
  const parts = partsOf(secrets)
  const [state, schedule, left] = [new LiveState(), new Schedule(), vi.fn<() => void>()]
  const after = vi.spyOn(schedule, 'after')
  const watch = new Watch({ parts, route: parts.locate('db'), state, schedule, left })
  return { secrets, state, watch, left, pauses: () => after.mock.calls.map(([ms]) => ms) }
}

function listening(intervalMs = 30_000) {
  return {
    intervalMs,
    began: vi.fn<() => void>(),
    changed: vi.fn<WatchListener['changed']>(),
    delayed: vi.fn<WatchListener['lost']>(),
    lost: vi.fn<WatchListener['lost']>(),
    ended: vi.fn<() => void>(),
  }
}

/** A probe that answers when it is let go. */
function heldProbe(): { readonly probe: Probe; readonly calls: () => number; readonly answer: () => Promise<unknown> } {
  const held: (() => void)[] = []
  const probe = vi.fn<Probe>(() => new Promise((resolve) => held.push(() => resolve({ version: 1 }))))
  return { probe, calls: () => probe.mock.calls.length, answer: () => (held.shift()?.(), pass(0)) }
}

describe('the pauses of a watch', () => {
  it('are its interval, the first one a random part of it', async () => {
    const { watch, pauses } = watched([stagingStore({ value: 'v1', version: 1 }).provider])
    watch.add(listening(2_000))
    await pass(5_000)
    expect(pauses()).toEqual([1_000, 2_000, 2_000])
  })

  it('are those of the most impatient listener', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const { watch, pauses } = watched([store.provider])
    watch.add(listening(60_000))
    watch.add(listening(20_000)) // while it looks
    expect(pauses()).toEqual([])
    await pass(0)
    expect(pauses()).toEqual([10_000])
    watch.add(listening(20_000))
    watch.add(listening(90_000))
    await pass(0)
    expect(pauses()).toEqual([10_000])
    const leave = watch.add(listening(8_000))
    expect(pauses()).toEqual([10_000, 8_000])
    leave()
    await pass(8_300)
    expect([pauses(), store.calls['get'], store.calls['probe']]).toEqual([[10_000, 8_000, 20_000], 1, 1])
  })

  it('double in an outage, up to a minute, and end with it', async () => {
    const { provider } = stagingStore({ value: 'v1', version: 1 })
    const get = vi.fn<SecretProvider['get']>(fails('UNAVAILABLE'))
    const { watch, pauses } = watched([{ ...provider, get }])
    watch.add(listening(2_000))
    await pass(200_000)
    expect(pauses()).toEqual([3_000, 6_000, 12_000, 24_000, 45_000, 45_000, 45_000, 45_000])
    get.mockImplementation(provider.get)
    await pass(47_000)
    expect(pauses().slice(8, 11)).toEqual([1_000, 2_000, 2_000])
  })

  it('are no shorter in an outage than an interval of more than a minute', async () => {
    const { watch, pauses } = watched([{ ...stagingStore(undefined).provider, get: fails('UNAVAILABLE') }])
    watch.add(listening(100_000))
    await pass(160_000)
    expect(pauses()).toEqual([75_000, 75_000, 75_000])
  })

  it('end when the value expires, and are at least a second', async () => {
    const expiring = async (): Promise<StoredSecret> => ({ value: 'v1', version: 1, expiresAt: 1_000_005_000 })
    const { watch, pauses } = watched([{ ...stagingStore(undefined).provider, get: expiring, probe: async () => ({ version: 1 }) }])
    watch.add(listening(60_000))
    await pass(6_500)
    expect(pauses().slice(0, 2)).toEqual([5_000, 1_000])
  })
})

describe('a look that is under way', () => {
  it('is followed by one more, since it may be too early', async () => {
    const { probe, calls, answer } = heldProbe()
    const { watch, pauses } = watched([stagingStore({ value: 'v1', version: 1 }, { probe }).provider])
    watch.add(listening())
    await pass(0)
    watch.look('probe')
    await pass(0)
    for (const _ of [1, 2, 3]) watch.look('probe')
    expect(calls()).toBe(1)
    await answer()
    expect([calls(), pauses().length]).toEqual([2, 1])
    await answer()
    expect([calls(), pauses().length]).toEqual([2, 2])
  })

  it('is followed by a read of the cache after an announcement, and by a probe if anything else asks for one', async () => {
    const { probe, calls, answer } = heldProbe()
    const { watch, secrets } = watched([stagingStore({ value: 'v1', version: 1 }, { probe }).provider])
    watch.add(listening())
    await pass(0)
    watch.look('probe')
    watch.look('cache')
    const { hits } = secrets.cacheStats()
    await answer()
    expect([calls(), secrets.cacheStats().hits - hits]).toEqual([1, 1])
    for (const others of [() => watch.look('probe'), () => watch.lookWithin(2_000)]) {
      watch.look('probe')
      await pass(0)
      const before = calls()
      others()
      for (const _ of [1, 2]) watch.look('cache')
      await answer()
      expect(calls()).toBe(before + 1)
      await answer()
    }
  })

  it('is followed by a probe that was planned, though an announcement comes after it', async () => {
    const { probe, calls, answer } = heldProbe()
    const { watch } = watched([stagingStore({ value: 'v1', version: 1 }, { probe }).provider])
    watch.add(listening(2_000))
    await pass(0)
    watch.look('probe')
    await pass(1_500) // the planned one comes after a second
    watch.look('cache')
    await answer()
    expect(calls()).toBe(2)
  })

  it('plans and takes nothing once everybody has left', async () => {
    const held: (() => void)[] = []
    const get: SecretProvider['get'] = () => new Promise((resolve) => held.push(() => resolve({ value: 'v1', version: 1 })))
    const { watch, state, left, pauses } = watched([{ ...stagingStore(undefined).provider, get }])
    const leave = watch.add(listening())
    leave()
    leave()
    held[0]?.()
    await pass(60_000)
    expect([pauses(), state.latest, state.isSure, vi.mocked(left).mock.calls.length]).toEqual([[], undefined, false, 1])
  })

  it('plans nothing once the watch has ended, and tells each listener once', async () => {
    const { probe, answer } = heldProbe()
    const { watch, left, pauses } = watched([stagingStore({ value: 'v1', version: 1 }, { probe }).provider])
    const listener = listening()
    const leave = watch.add(listener)
    await pass(0)
    watch.look('probe')
    watch.end()
    leave()
    watch.end()
    await answer()
    expect([pauses().length, listener.ended.mock.calls.length]).toEqual([1, 1])
    expect(left).not.toHaveBeenCalled()
  })
})

describe('a watch that is not sure', () => {
  const fallbackOf = (get: SecretProvider['get']): SecretProvider => ({
    specificationVersion: 'v1',
    name: 'fallback',
    get,
    describe: async () => ({ version: 7 }),
  })

  it('does not read from a fallback that answers a probe', async () => {
    const probe = vi.fn<Probe>(async () => ({ version: 1 }))
    const get = vi.fn<SecretProvider['get']>(async () => ({ value: 'old', version: 7 }))
    const { watch, state } = watched([stagingStore({ value: 'v1', version: 1 }, { probe }).provider, fallbackOf(get)])
    watch.add(listening())
    await pass(0)
    probe.mockImplementation(fails('UNAVAILABLE'))
    watch.look('probe')
    await pass(0)
    expect([get.mock.calls.length, state.latest?.reveal(), state.isSure]).toEqual([0, 'v1', false])
  })

  it('takes nothing from a fallback that answers the read after a probe', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const get = vi.fn<SecretProvider['get']>(store.provider.get)
    const { watch, state } = watched([{ ...store.provider, get }, fallbackOf(async () => ({ value: 'old', version: 7 }))])
    const listener = listening()
    watch.add(listener)
    await pass(0)
    store.current = { value: 'v2', version: 2 }
    get.mockImplementation(fails('UNAVAILABLE'))
    watch.look('probe')
    await pass(0)
    expect([state.latest?.reveal(), state.isSure, listener.changed.mock.calls.length]).toEqual(['v1', false, 0])
  })

  it("begins with a fallback's value, and follows that until its own store answers", async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const [get, probe] = [vi.fn<SecretProvider['get']>(fails('UNAVAILABLE')), vi.fn<Probe>(fails('UNAVAILABLE'))]
    const own = { ...store.provider, get, probe }
    const { watch, state, pauses } = watched([own, fallbackOf(async () => ({ value: 'old', version: 7 }))])
    const listener = listening(2_000)
    watch.add(listener)
    await pass(1_300)
    expect([listener.began.mock.calls.length, state.latest?.reveal(), state.isSure, pauses()]).toEqual([1, 'old', true, [1_000, 2_000]])
    for (const each of [get, probe]) each.mockImplementation(async () => ({ value: 'v1', version: 1 }))
    await pass(60_000)
    expect(listener.changed.mock.calls.map(([value]) => value.reveal())).toEqual(['v1'])
  })

  it('begins with a stale value and says so', async () => {
    const { provider } = stagingStore({ value: 'v1', version: 1 })
    const get = vi.fn<SecretProvider['get']>(provider.get)
    const { watch, state, secrets, pauses } = watched([{ ...provider, get }], { cache: { ttlSeconds: 1 } })
    await secrets.getSecret('db')
    await pass(2_000)
    get.mockImplementation(fails('UNAVAILABLE'))
    const listener = listening(2_000)
    watch.add(listener)
    await pass(0)
    expect([listener.began.mock.calls.length, state.latest?.stale, state.isSure, pauses()]).toEqual([1, true, false, [3_000]])
  })

  it('takes no stale value for a change', async () => {
    const { provider } = stagingStore({ value: 'v1', version: 1 })
    const get = vi.fn<SecretProvider['get']>(provider.get)
    const { watch, state } = watched([{ ...provider, get }], { cache: { ttlSeconds: 1 } })
    watch.add(listening(60_000))
    await pass(2_000)
    get.mockImplementation(fails('UNAVAILABLE'))
    watch.look('cache')
    await pass(0)
    expect([state.latest?.stale, state.isSure]).toEqual([false, false])
  })

  it('keeps what is known while its store gives an older version, until it does so for half an interval', async () => {
    const store = stagingStore({ value: 'v2', version: 2 })
    const { watch, state } = watched([store.provider])
    const listener = listening(60_000)
    watch.add(listener)
    await pass(0)
    const sure: boolean[] = []
    const look = async (version: number): Promise<void> => {
      store.current = { value: `v${version}`, version }
      watch.look('probe')
      await pass(0)
      sure.push(state.isSure)
    }
    for (const version of [1, 2, 1]) await look(version)
    expect([sure, listener.changed.mock.calls.length, state.latest?.version]).toEqual([[false, true, false], 0, 2])
    await pass(30_000)
    await look(1)
    expect([state.isSure, listener.changed.mock.calls.length, state.latest?.version]).toEqual([true, 1, 1])
  })

  it('does not begin with an older version than a login has seen', async () => {
    const store = stagingStore({ value: 'v2', version: 2 })
    const { watch, state, secrets } = watched([store.provider])
    state.adopt(await secrets.getSecretValue('db'))
    const listener = listening(60_000)
    store.current = { value: 'v1', version: 1 }
    await secrets.getSecret('db', { fresh: true })
    watch.add(listener)
    await pass(0)
    expect([listener.began.mock.calls.length, state.latest?.version, state.isSure]).toEqual([0, 2, false])
    store.current = { value: 'v2', version: 2 }
    await secrets.getSecret('db', { fresh: true })
    watch.look('probe')
    await pass(0)
    expect([listener.began.mock.calls.length, state.latest?.version, state.isSure]).toEqual([1, 2, true])
  })

  it('reads again what has returned to the identity that a probe had seen', async () => {
    const get = vi.fn<SecretProvider['get']>(async () => ({ value: 'v1' }))
    const probe = vi.fn<Probe>(async () => ({ revision: 'a' }))
    const { watch, secrets } = watched([{ specificationVersion: 'v1', name: 'files', get, probe }])
    const listener = listening(60_000)
    watch.add(listener)
    await pass(0)
    watch.look('probe')
    await pass(0)
    get.mockImplementation(async () => ({ value: 'v2' }))
    await secrets.getSecret('db', { fresh: true })
    watch.look('cache')
    await pass(0)
    get.mockImplementation(async () => ({ value: 'v1' }))
    watch.look('probe')
    await pass(0)
    expect(listener.changed.mock.calls.map(([value]) => value.reveal())).toEqual(['v2', 'v1'])
  })
})

describe('a listener', () => {
  it.each([
    ['the same version', { version: 1 }],
    ['another version', { version: 2 }],
  ])('hears of each loss once, until the store answers with %s', async (_, after) => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const probe = vi.fn<Probe>(fails('PERMISSION_DENIED'))
    const { watch, state } = watched([{ ...store.provider, probe }])
    const listener = listening()
    const look = async (): Promise<void> => (watch.look('probe'), void (await pass(10_000)))
    watch.add(listener)
    await pass(0)
    await look()
    await look()
    expect([listener.lost.mock.calls.map(([error]) => error.code), state.isSure]).toEqual([['PERMISSION_DENIED'], false])
    store.current = { value: `v${after.version}`, ...after }
    probe.mockImplementation(async () => after)
    await look()
    expect(state.isSure).toBe(true)
    probe.mockImplementation(fails('PERMISSION_DENIED'))
    await look()
    expect(listener.lost).toHaveBeenCalledTimes(2)
    expect(listener.delayed).not.toHaveBeenCalled()
  })

  it('hears of a delay before the first value alone', async () => {
    const { provider } = stagingStore({ value: 'v1', version: 1 })
    const get = vi.fn<SecretProvider['get']>(fails('UNAVAILABLE'))
    const probe = vi.fn<Probe>(async () => ({ version: 1 }))
    const { watch } = watched([{ ...provider, get, probe }])
    const listener = listening(2_000)
    watch.add(listener)
    await pass(0)
    get.mockImplementation(provider.get)
    await pass(10_000)
    probe.mockImplementation(fails('UNAVAILABLE'))
    await pass(60_000)
    expect([listener.delayed.mock.calls.length, listener.began.mock.calls.length, listener.lost.mock.calls.length]).toEqual([1, 1, 0])
  })

  it('waits while the audit trail acknowledges nothing', async () => {
    const audit = { specificationVersion: 'v1', record: fails('UNAVAILABLE') } as const
    const { watch } = watched([stagingStore({ value: 'v1', version: 1 }).provider], { audit })
    const listener = listening()
    watch.add(listener)
    await pass(0)
    expect([listener.delayed.mock.calls.map(([error]) => error.code), listener.lost.mock.calls.length]).toEqual([['AUDIT_FAILED'], 0])
  })

  it('hears of no loss because the manager was closed', async () => {
    const { watch, secrets } = watched([stagingStore({ value: 'v1', version: 1 }).provider])
    const listener = listening()
    watch.add(listener)
    await pass(0)
    await secrets.close()
    watch.look('probe')
    await pass(0)
    expect([listener.lost.mock.calls.length, listener.delayed.mock.calls.length]).toEqual([0, 0])
  })

  it('that throws loses the secret, as INTERNAL without its text', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const { watch } = watched([store.provider])
    const listener = listening()
    watch.add(listener)
    await pass(0)
    listener.changed.mockImplementation(() => {
      throw new Error(canary)
    })
    store.current = { value: 'v2', version: 2 }
    watch.look('probe')
    await pass(0)
    expect(listener.lost.mock.calls).toEqual([[expect.objectContaining({ code: 'INTERNAL' })]])
    expect(inspect(listener.lost.mock.calls, { depth: 9 })).not.toContain(canary)
  })
})
