import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type KeyvCache, keyvCache } from './keyv-cache.ts'
import { context, encryptionKey, entryOf, key } from './testing/fleet.ts'
import type { KeyvStore } from './store/text-store.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())
afterEach(() => void vi.restoreAllMocks())

/** A store whose steps take random delays, so that calls overtake each other. */
function slowStore(held: Map<string, string>, delays: readonly number[]): KeyvStore {
  let next = 0
  const late = async (): Promise<void> => {
    for (let ticks = delays[(next += 1) % delays.length] ?? 0; ticks > 0; ticks -= 1) await new Promise(setImmediate)
  }
  return {
    get: async (name) => {
      await late()
      const text = held.get(name)
      await late()
      return text
    },
    set: async (name, text) => {
      await late()
      held.set(name, text)
      await late()
    },
    delete: async (name) => {
      await late()
      held.delete(name)
    },
  }
}

type Act = { readonly by: number; readonly do: 'read' | 'write' | 'evict'; readonly after: number }

const act: fc.Arbitrary<Act> = fc.record({
  by: fc.nat(3),
  do: fc.oneof({ weight: 6, arbitrary: fc.constant('read' as const) }, fc.constantFrom('write' as const, 'evict' as const)),
  after: fc.nat(15),
})

test('no read returns a value older than a write that ended before the read began, whatever calls overtake each other or are evicted', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { minLength: 30, maxLength: 60 }),
      fc.array(fc.constantFrom(0, 0, 0, 1, 15), { minLength: 13, maxLength: 61 }),
      async (acts, delays) => {
        const held = new Map<string, string>()
        const store = slowStore(held, delays)
        const fleet = Array.from({ length: 4 }, () => keyvCache({ store, encryptionKey, settleMs: 0, waitMs: 0, timeoutMs: 10_000 }))
        const secret = { current: 1, done: 1 }
        const read = async (cache: KeyvCache): Promise<void> => {
          const { done } = secret
          const answer = await cache.read(key, context)
          if ('hit' in answer) return expect(Number(answer.hit.value)).toBeGreaterThanOrEqual(done)
          await new Promise(setImmediate)
          const value = String(secret.current)
          await new Promise(setImmediate)
          await cache.fill(key, answer.leaseToken, entryOf({ value }), context)
        }
        const write = async (cache: KeyvCache): Promise<void> => {
          const written = (secret.current += 1)
          await cache.invalidate(key, context)
          secret.done = Math.max(secret.done, written)
        }
        const running: Promise<void>[] = []
        const evict = async (): Promise<void> => void held.delete([...held.keys()][running.length % 3] ?? '')
        for (const { by, do: what, after } of acts) {
          const cache = fleet[by] ?? expect.fail('four are made')
          running.push(what === 'read' ? read(cache) : what === 'write' ? write(cache) : evict())
          for (let ticks = after; ticks > 0; ticks -= 1) await new Promise(setImmediate)
        }
        await Promise.all(running)
      },
    ),
    { numRuns: 300 },
  )
})
