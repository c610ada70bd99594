import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { pause } from '../../guard/deadline.ts'
import { SharedCacheClient } from './shared-cache-client.ts'

const paths = ['a1', 'a2', 'b1', 'b2'] as const
const deadlineMs = 5_000

/** A cluster of two servers, named by the first letter of the paths that they keep. */
class Cluster {
  readonly state: Record<string, 'up' | 'refusing' | 'hanging' | 'silent'> = { a: 'up', b: 'up' }
  readonly leastVersions = new Map<string, number>()
  readonly overlapping: string[] = []
  readonly #underWay = new Set<string>()

  readonly invalidate = async ({
    path,
    leastVersion,
  }: {
    readonly path: string
    readonly leastVersion?: number | undefined
  }): Promise<void> => {
    if (this.#underWay.has(path)) this.overlapping.push(path)
    this.#underWay.add(path)
    try {
      await this.#answer(path, leastVersion)
    } finally {
      this.#underWay.delete(path)
    }
  }

  async #answer(path: string, leastVersion: number | undefined): Promise<void> {
    const state = this.state[path.charAt(0)]
    await pause(state === 'hanging' ? deadlineMs - 1 : 20)
    if (state === 'refusing' || state === 'hanging') throw new Error(state)
    if (leastVersion !== undefined) this.leastVersions.set(path, after(this.leastVersions.get(path), leastVersion))
    if (state === 'silent') throw new Error('the answer was lost')
  }
}

/** A lower version arrives late, and 0 lifts the former ones. */
function after(before: number = 0, leastVersion: number): number {
  return leastVersion === 0 ? 0 : Math.max(before, leastVersion)
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const path = fc.constantFrom(...paths)
const step = fc.oneof(
  fc.record({ write: path, leastVersion: fc.option(fc.nat(9), { nil: undefined }) }),
  fc.record({ answer: path }),
  fc.record({ server: fc.constantFrom('a', 'b'), state: fc.constantFrom('up', 'refusing', 'hanging', 'silent') }),
  fc.record({ passMs: fc.constantFrom(0, 10, 25, 700, 9_000, 90_000) }),
)

it('all invalidations reach their servers in order, a minute after these are back, whatever failed before', async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
    const [cluster, never, written] = [new Cluster(), new AbortController().signal, new Map<string, number>()]
    const { invalidate } = cluster
    const cache = { specificationVersion: 'v1', read: async () => ({ leaseToken: {} }), fill: async () => {}, invalidate } as const
    const options = { deadlineMs, lifeMs: 200_000, recheckMs: 5_000, closing: never, closingFills: never }
    const client = new SharedCacheClient(cache, 'eu', options)
    const back = (): void => void Object.assign(cluster.state, { a: 'up', b: 'up' })
    for (const each of steps) {
      if ('write' in each) {
        const { write, leastVersion } = each
        if (leastVersion !== undefined) written.set(write, after(written.get(write), leastVersion))
        client.invalidate(write, leastVersion).catch(() => {})
      } else if ('answer' in each)
        client.publish(each.answer, undefined, await client.read(each.answer, undefined), { value: 'v' }, Date.now())
      else if ('server' in each) cluster.state[each.server] = each.state
      else await vi.advanceTimersByTimeAsync(each.passMs)
    }
    back()
    // What had begun before still ends at its deadline, one after the other.
    await vi.advanceTimersByTimeAsync(61_000 + (2 * steps.length + paths.length) * deadlineMs)
    expect([client.status.pendingInvalidations, vi.getTimerCount(), cluster.overlapping]).toEqual([0, 0, []])
    expect(cluster.leastVersions).toEqual(written)
  })
  await fc.assert(property, { numRuns: 300 })
})
