import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SecretProvider } from '../../contract/provider.ts'
import { SecretsError } from '../../errors/secrets-error.ts'
import { createSecretsManager } from '../../manager/create-manager.ts'
import { partsOf } from '../../manager/parts.ts'
import { secretValue } from '../../testing/secret-value.ts'
import { stagingStore, type StagingStore } from '../../testing/staging-store.ts'
import type { SecretValue } from '../../value/secret-value.ts'
import { Candidates } from './candidates.ts'
import type { CurrentSecret } from '../known/current.ts'
import { LiveState } from '../known/live-state.ts'

const outage = (): Promise<never> => Promise.reject(new SecretsError('UNAVAILABLE', 'out'))

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_000 })
  // Pauses in full.
  vi.spyOn(Math, 'random').mockReturnValue(1)
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

interface Search {
  readonly candidates: Candidates
  readonly state: LiveState
  readonly taken: (current: CurrentSecret) => void
  /** The text that follows the refused value, and how long that took. */
  readonly after: (used: SecretValue) => Promise<[text: string, ms: number]>
  readonly inUse: () => SecretValue
}

async function searchOver(...providers: SecretProvider[]): Promise<Search> {
  const secrets = createSecretsManager({ providers })
  const state = new LiveState()
  const taken = vi.fn<(current: CurrentSecret) => void>(({ value }) => void state.adopt(value))
  const candidates = new Candidates({ parts: partsOf(secrets), name: 'db', state, taken })
  state.adopt(await secrets.getSecretValue('db'))
  return {
    candidates,
    state,
    taken,
    inUse: () => state.best ?? secretValue('none'),
    after: async (used) => {
      const start = performance.now()
      const searching = candidates.after(used).then((found): [string, number] => [found.reveal(), performance.now() - start])
      await vi.advanceTimersByTimeAsync(2_000)
      return searching
    },
  }
}

const storeOf = (version: number): StagingStore => stagingStore({ value: `v${version}`, version })

describe('a search for a credential', () => {
  it.each([
    ['what became current', 4, 'v4'],
    ['the candidate, if the current version was read again,', 2, 'v3'],
  ])('gives %s while the fleet was told of the candidate', async (_, version, expected) => {
    const store = storeOf(2)
    store.pending = { value: 'v3', version: 3 }
    const { candidates, state, inUse } = await searchOver(store.provider)
    const told = Promise.withResolvers<void>()
    state.beforeUse.add(() => told.promise)
    const searching = candidates.after(inUse())
    await vi.advanceTimersByTimeAsync(0)
    state.adopt(secretValue(`v${version}`, { version }))
    told.resolve()
    expect([(await searching).reveal(), state.best?.reveal()]).toEqual([expected, expected])
    expect(candidates.replacing(secretValue('v2'))).toBeUndefined() // it is on trial
  })

  it('waits twice as long in each round in which nothing else is left, up to a second', async () => {
    const { after, inUse } = await searchOver(storeOf(1).provider)
    await vi.advanceTimersByTimeAsync(40_000)
    const pauses: number[] = []
    for (let round = 0; round < 7; round += 1) pauses.push((await after(inUse()))[1])
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1_000, 1_000])
  })

  it('tries all candidates again in the next round', async () => {
    const store = storeOf(2)
    store.pending = { value: 'v3', version: 3 }
    const { after, inUse } = await searchOver(store.provider)
    const found: [string, number][] = []
    for (let each = 0; each < 4; each += 1) found.push(await after(inUse()))
    expect(found).toEqual([
      ['v3', 0],
      ['v2', 50],
      ['v3', 0],
      ['v2', 100],
    ])
  })

  it('is one for all who ask at once, and the next refusal begins another', async () => {
    const { candidates, inUse } = await searchOver(storeOf(1).provider)
    const [used, first] = [inUse(), candidates.after(inUse())]
    expect(candidates.after(used)).toBe(first)
    await vi.advanceTimersByTimeAsync(60)
    await first
    expect(candidates.after(used)).not.toBe(first)
  })

  it('forgets refusals that are more than a minute old', async () => {
    const store = storeOf(2)
    store.pending = { value: 'v3', version: 3 }
    const { after, inUse } = await searchOver(store.provider)
    expect(await after(inUse())).toEqual(['v3', 0])
    await vi.advanceTimersByTimeAsync(58_001)
    expect(await after(inUse())).toEqual(['v2', 0])
    store.pending = undefined
    expect(await after(inUse())).toEqual(['v2', 50])
    await vi.advanceTimersByTimeAsync(58_000)
    expect(await after(inUse())).toEqual(['v2', 100])
    await vi.advanceTimersByTimeAsync(58_001)
    expect(await after(inUse())).toEqual(['v2', 50])
  })

  it('reads the previous version past the cache', async () => {
    const store = storeOf(3)
    store.previous = { value: 'v1', version: 1 }
    const { after, inUse } = await searchOver(store.provider)
    expect(await after(inUse())).toEqual(['v1', 0])
    store.previous = { value: 'v2', version: 2 }
    expect(await after(inUse())).toEqual(['v2', 0])
  })
})

describe('a fresh read of a search', () => {
  const fallback: SecretProvider = { specificationVersion: 'v1', name: 'fallback', get: async () => ({ value: 'of the fallback' }) }

  it('tells what is current, which the store itself answered', async () => {
    const store = storeOf(1)
    const { after, inUse, taken } = await searchOver(store.provider)
    store.current = { value: 'v2', version: 2 }
    expect(await after(inUse())).toEqual(['v2', 0])
    expect(vi.mocked(taken).mock.calls.map(([{ value }]) => value.reveal())).toEqual(['v2'])
  })

  it("tries a fallback's value, which is no change of the secret", async () => {
    const { provider } = storeOf(1)
    const get = vi.fn<SecretProvider['get']>(provider.get)
    const { after, inUse, taken, state } = await searchOver({ ...provider, get }, fallback)
    get.mockImplementation(outage)
    expect(await after(inUse())).toEqual(['of the fallback', 0])
    expect([vi.mocked(taken).mock.calls.length, state.latest?.reveal()]).toEqual([0, 'v1'])
  })

  it("follows a fallback's value while it knows no other", async () => {
    const get = vi.fn<SecretProvider['get']>(fallback.get)
    const { after, inUse, taken } = await searchOver({ ...storeOf(1).provider, get: outage }, { ...fallback, get })
    get.mockImplementation(async () => ({ value: 'another' }))
    expect(await after(inUse())).toEqual(['another', 0])
    expect(taken).toHaveBeenCalledTimes(1)
  })
})

describe('a success', () => {
  it('lets others use that credential without a search of their own', async () => {
    const store = storeOf(1)
    store.pending = { value: 'v2', version: 2 }
    const { candidates, after, inUse } = await searchOver(store.provider)
    const used = inUse()
    await after(used)
    expect(candidates.replacing(used)).toBeUndefined()
    candidates.worked(used) // of a login that had begun before
    expect(candidates.replacing(used)).toBeUndefined()
    candidates.worked(secretValue('v2'))
    expect(candidates.replacing(used)?.reveal()).toBe('v2')
  })

  it('ends the round: what was refused before it is tried, and pauses are short again', async () => {
    const store = storeOf(1)
    store.pending = { value: 'v2', version: 2 }
    const { candidates, after, inUse } = await searchOver(store.provider)
    for (const [text, ms] of [
      ['v2', 0],
      ['v1', 50],
      ['v2', 0],
    ])
      expect(await after(inUse())).toEqual([text, ms])
    candidates.worked(inUse())
    expect(await after(inUse())).toEqual(['v1', 0])
    expect(await after(inUse())).toEqual(['v1', 50])
  })

  it('before any refusal changes nothing', () => {
    const parts = partsOf(createSecretsManager({ providers: [storeOf(1).provider] }))
    const candidates = new Candidates({ parts, name: 'db', state: new LiveState(), taken: () => {} })
    expect(candidates.worked(secretValue('v1'))).toBeUndefined()
  })
})
