import { SecretsError } from '@finchat/secrets-core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMemoryStore, type MemoryStore } from './memory-store.ts'

/** What a caller may know: the values that became current, in order, and what was last done to the secret. */
interface Model {
  readonly current: string[]
  readonly numbers: number[]
  /** The number of the current version. */
  last: number
  readonly discarded: number[]
  state: 'live' | 'withdrawn' | 'purged'
  staged: { readonly number: number; readonly value: string; readonly stale: boolean } | undefined
}

type Step = (store: MemoryStore, model: Model) => void

const path = 'api_key'

const put =
  (value: string): Step =>
  (store, model) => {
    const { version = 0 } = store.put(path, { value })
    takeNumber(model, version)
    becomeCurrent(model, value, version)
  }

const putNumbered =
  (value: string, version: number): Step =>
  (store, model) => {
    const isFree = model.numbers.every((used) => version > used)
    expect(codeOf(() => store.put(path, { value, version }))).toBe(isFree ? undefined : 'VERSION_CONFLICT')
    if (!isFree) return
    takeNumber(model, version)
    becomeCurrent(model, value, version)
  }

const withdraw =
  (purge: boolean): Step =>
  (store, model) => {
    expect(codeOf(() => store.withdraw(path, purge))).toBe(model.current.length > 0 ? undefined : 'NOT_FOUND')
    if (model.current.length === 0) return
    model.staged = undefined
    if (purge || model.state === 'live') model.state = purge ? 'purged' : 'withdrawn'
  }

const stage =
  (value: string): Step =>
  (store, model) => {
    const pending = model.staged
    if (pending !== undefined && pending.value !== value) {
      expect(codeOf(() => store.stage(path, { value }))).toBe('VERSION_CONFLICT')
      return
    }
    const { version: number = 0, attempt } = store.stage(path, { value })
    expect(attempt).toBe(number)
    if (pending !== undefined) return expect(number).toBe(pending.number)
    takeNumber(model, number)
    model.staged = { number, value, stale: false }
  }

const promote: Step = (store, model) => {
  const { staged } = model
  const outcome = codeOf(() => store.promote(path, { version: staged?.number ?? 1 }))
  const isRepeated = staged === undefined && model.last === 1 && model.state === 'live'
  expect(outcome).toBe(isRepeated || staged?.stale === false ? undefined : 'VERSION_CONFLICT')
  if (staged === undefined || staged.stale) return
  becomeCurrent(model, staged.value, staged.number)
  model.staged = undefined
}

const promoteAgain: Step = (store, model) => {
  if (model.last === 0) return
  const isCurrent = model.state === 'live'
  expect(codeOf(() => store.promote(path, { version: model.last }))).toBe(isCurrent ? undefined : 'VERSION_CONFLICT')
}

const discard: Step = (store, model) => {
  const number = model.staged?.number ?? 1
  const isKnown = model.staged !== undefined || model.discarded.includes(number)
  expect(codeOf(() => store.discard(path, { version: number }))).toBe(isKnown ? undefined : 'VERSION_CONFLICT')
  if (model.staged) model.discarded.push(number)
  model.staged = undefined
}

const discardAgain: Step = (store, model) => {
  for (const number of model.discarded) store.discard(path, { version: number })
}

function takeNumber({ numbers }: Model, number: number): void {
  expect(number).toBeGreaterThan(Math.max(0, ...numbers))
  numbers.push(number)
}

function becomeCurrent(model: Model, value: string, number: number): void {
  model.last = number
  model.current.push(value)
  model.state = 'live'
  if (model.staged) model.staged = { ...model.staged, stale: true }
}

function codeOf(act: () => unknown): string | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    return SecretsError.isInstance(error) ? error.code : String(error)
  }
}

const value = fc.string({ maxLength: 5 })
const step: fc.Arbitrary<Step> = fc.oneof(
  value.map(put),
  fc.tuple(value, fc.integer({ min: 1, max: 30 })).map(([text, number]) => putNumbered(text, number)),
  fc.boolean().map(withdraw),
  value.map(stage),
  fc.constantFrom(promote, promoteAgain, discard, discardAgain),
)

test('after any sequence of operations the last value is current, numbers only grow, and withdrawn values are not returned', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const store = createMemoryStore()
      const model: Model = { current: [], numbers: [], last: 0, discarded: [], state: 'live', staged: undefined }
      for (const act of steps) {
        act(store, model)
        if (model.state === 'live') expect(store.get(path)?.value).toBe(model.current.at(-1))
        else expect(codeOf(() => store.get(path))).toBe(model.state === 'purged' ? undefined : 'DELETED')
        expect(store.staged(path)?.value).toBe(model.staged?.value)
        expect(store.list('').length).toBe(model.state === 'live' && model.current.length > 0 ? 1 : 0)
      }
    }),
  )
})
