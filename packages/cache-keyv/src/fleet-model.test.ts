import type { SharedCache } from '@finchat/secrets-core'
import { memorySharedCache } from '@finchat/secrets-testkit'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keyvCache } from './keyv-cache.ts'
import { encryptionKey } from './testing/fleet.ts'
import { ModelFleet, type Passage, processes, type PutFault } from './testing/model-fleet.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
  vi.spyOn(process, 'emitWarning').mockReturnValue()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

type Command = fc.AsyncCommand<object, ModelFleet>

function command(name: string, run: (fleet: ModelFleet) => unknown): Command {
  return { check: () => true, run: async (_, fleet) => void (await run(fleet)), toString: () => name }
}

const by = fc.nat(processes - 1)
const putFault = fc.constantFrom<PutFault>('none', 'none', 'conflict', 'lost')
const delayMs = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 300 }))
const passage: fc.Arbitrary<Passage> = fc.record({
  beforeMs: delayMs,
  afterMs: delayMs,
  fault: fc.oneof({ weight: 8, arbitrary: fc.constant<Passage['fault']>('none') }, fc.constantFrom<Passage['fault']>('refused', 'lost')),
})

const waiting = fc.constantFrom(0, 0, 0, 1, 50, 500, 6_000).map((ms) => command(`wait(${ms})`, () => vi.advanceTimersByTimeAsync(ms)))

/** Shorter together than the 15 minutes after which a least version expires. */
const commands = fc.commands<object, ModelFleet, false>(
  [
    by.map((who) => command(`read(${who})`, (fleet) => fleet.read(who))),
    by.map((who) => command(`read(${who})`, (fleet) => fleet.read(who))),
    fc.tuple(fc.nat(1), putFault).map(([who, fault]) => command(`write(${who}, ${fault})`, (fleet) => fleet.write(who, fault))),
    fc.constantFrom(true, true, true, false).map((does) => command(`lag(${does})`, (fleet) => fleet.lag(does))),
    waiting,
    waiting,
    waiting,
    fc
      .array(passage, { maxLength: 5 })
      .map((passages) => command(`network(${JSON.stringify(passages)})`, (fleet) => void (fleet.passages = passages))),
  ],
  { maxCommands: 40, size: 'max' },
)

const fleets: Readonly<Record<string, () => SharedCache[]>> = {
  'in memory': () => {
    const cache = memorySharedCache()
    return [cache, cache.anotherProcess(), cache.anotherProcess()]
  },
  'over Keyv': () => {
    const store = new Map<string, string>()
    return Array.from({ length: processes }, () => keyvCache({ store, encryptionKey, settleMs: 1, waitMs: 100 }))
  },
}

test.each(Object.entries(fleets))(
  'after an acknowledged write no shared cache %s serves a lower version, whatever is reordered, lost or lagging',
  async (_, caches) => {
    const run = async (steps: Iterable<Command>): Promise<void> => {
      const fleet = new ModelFleet(caches())
      await fc.asyncModelRun(() => ({ model: {}, real: fleet }), steps)
      fleet.passages = []
      const ending = fleet.end()
      ending.catch(() => {})
      await vi.advanceTimersByTimeAsync(30_000)
      await ending
    }
    await expect(fc.assert(fc.asyncProperty(commands, run), { numRuns: 300 })).resolves.toBeUndefined()
  },
)
