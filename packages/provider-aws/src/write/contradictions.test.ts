import { SecretsError, type WriteReceipt } from '@finchat/secrets-core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Api } from '../client/api.ts'
import { deleteSecret, restoreSecret } from './delete-restore-rotate.ts'
import { put } from './put.ts'
import { staging } from './staging.ts'
import { LabelledSecret } from '../testing/labelled-secret.ts'
import { type Ending, SteppedCalls } from '../testing/stepped-calls.ts'

const path = 'prod/db'
const context = { signal: new AbortController().signal }

/** What its caller was told of one operation; `open`: nothing, or that nobody knows. */
type Told = 'ok' | 'refused' | 'open'

interface Operation {
  readonly kind: 'put' | 'put if none' | 'stage' | 'promote' | 'discard' | 'delete' | 'restore'
  readonly value: string
  told: Told
  version?: number | undefined
}

/** Processes that change one secret at once, and what each was told. */
class Processes {
  readonly secret: LabelledSecret
  readonly calls: SteppedCalls
  readonly operations: Operation[] = []
  readonly #staged: { readonly value: string; readonly receipt: WriteReceipt }[] = []
  #values = 0

  constructor(isLenient: boolean) {
    this.secret = new LabelledSecret(isLenient)
    this.calls = new SteppedCalls(this.secret)
  }

  start(kind: Operation['kind'], index: number): void {
    const staged = this.#staged.at(-1 - (index % Math.max(1, Math.min(2, this.#staged.length))))
    const isOfStaged = kind === 'promote' || kind === 'discard'
    if (isOfStaged && staged === undefined) return
    const value = isOfStaged ? (staged?.value ?? '') : `value ${(this.#values += 1)}`
    const operation: Operation = { kind, value, told: 'open' }
    this.operations.push(operation)
    void this.#run(this.calls.newProcess(), operation, staged?.receipt ?? {}).then(
      (receipt) => void Object.assign(operation, { told: 'ok', version: member(receipt, 'version') }),
      (error: unknown) => void (operation.told = SecretsError.isInstance(error) && error.effect === undefined ? 'refused' : 'open'),
    )
  }

  async #run(api: Api, { kind, value }: Operation, receipt: WriteReceipt): Promise<unknown> {
    if (kind === 'put') return put(api, undefined, path, { value }, context)
    if (kind === 'put if none') return put(api, undefined, path, { value, ifCurrent: null }, context)
    if (kind === 'delete') return deleteSecret(api, 30)(path, { purge: false }, context)
    if (kind === 'restore') return restoreSecret(api)(path, context)
    const stage = staging(api, undefined)
    if (kind === 'stage') return this.#staged.push({ value, receipt: await stage.put(path, { value }, context) })
    return stage[kind](path, receipt, context)
  }

  /** Pairs of answers that cannot both be true, and answers that are not. */
  contradictions(): string[] {
    const { onceCurrent } = this.secret
    const of = (kind: Operation['kind'], told: Told): Operation[] => this.operations.filter((one) => one.kind === kind && one.told === told)
    const undone = [...of('put', 'ok'), ...of('put if none', 'ok'), ...of('promote', 'ok')].filter(({ value }) => !onceCurrent.has(value))
    const discarded = of('discard', 'ok').filter(({ value }) => onceCurrent.has(value))
    const refused = [...of('put', 'refused'), ...of('put if none', 'refused')].filter(({ value }) => onceCurrent.has(value))
    const made = of('put if none', 'ok')
    const newest = [...of('put', 'ok'), ...made, ...of('promote', 'ok')]
      .toSorted((one, other) => (one.version ?? 0) - (other.version ?? 0))
      .at(-1)
    const now = this.secret.current
    const isUndone =
      newest !== undefined && (this.operations.find(({ value }) => value === now)?.version ?? Infinity) < (newest.version ?? 0)
    return [
      ...undone.map(({ kind, value }) => `${kind} of ${value} says ok and was not done`),
      ...discarded.map(({ value }) => `the discard of ${value} says ok and it was current`),
      ...refused.map(({ kind, value }) => `${kind} of ${value} says that nothing was done and it was current`),
      ...(isUndone ? [`${newest.value} was written, and ${now} is current again`] : []),
      ...(made.length > 1 ? [`${made.length} processes made the first version`] : []),
    ]
  }
}

function member(receipt: unknown, key: string): unknown {
  return Object(receipt)[key]
}

type Real = Processes
type Command = fc.AsyncCommand<object, Real>

function command(name: string, run: (real: Real) => unknown): Command {
  return { check: () => true, run: async (_, real) => void (await run(real)), toString: () => name }
}

const kinds = ['put', 'put if none', 'stage', 'stage', 'promote', 'promote', 'discard', 'discard', 'delete', 'restore'] as const

function commands(endings: readonly Ending[]): fc.Arbitrary<Iterable<Command>> {
  const start = fc
    .tuple(fc.constantFrom(...kinds), fc.nat(3))
    .map(([kind, at]) => command(`${kind}(${at})`, (real) => real.start(kind, at)))
  const end = fc
    .tuple(fc.constantFrom(...endings), fc.nat(30))
    .map(([how, at]) => command(`${how}(${at})`, (real) => real.calls.end(at, how)))
  const all = command('answer all', (real) => real.calls.endAll())
  const finish = fc.nat(5).map((at) => command(`finish(${at})`, (real) => real.calls.finish(at)))
  return fc.commands([start, start, end, end, end, finish, fc.constant(all)], { maxCommands: 80, size: 'max' })
}

const answers = Array<Ending>(8).fill('answer')
const runs = { numRuns: 2_000, interruptAfterTimeLimit: 25_000 }

test.each([
  ['AWS refuses to remove what is nowhere, and replicas are behind', false, ['answer from behind', 'answer from behind']],
  ['AWS removes what is nowhere without a word', true, []],
] as const)('no two processes are told what cannot both be true: %s', { timeout: 60_000 }, async (_, isLenient, behind) => {
  const endings: Ending[] = [...answers, ...behind, 'send again', 'lose the answer', 'kill before', 'kill after']
  await fc.assert(
    fc.asyncProperty(commands(endings), async (steps) => {
      const real = new Processes(isLenient)
      await fc.asyncModelRun(() => ({ model: {}, real }), steps)
      await real.calls.endAll()
      expect(real.contradictions()).toEqual([])
    }),
    runs,
  )
})

describe.each(['put', 'put if none'] as const)('the first version by %s, whose answer is lost and which another writes over', (kind) => {
  test.each([
    ['put', 0],
    ['put', 1],
    ['delete', 1],
  ] as const)('is not told as refused after a %s, with %i answers in between', async (next, answersBetween) => {
    const real = new Processes(false)
    real.start(kind, 0)
    for (const ending of ['answer', 'answer', 'send again'] as const) await real.calls.end(0, ending)
    real.start('put', 0)
    await real.calls.finish(1)
    for (let n = 0; n < answersBetween; n += 1) await real.calls.end(0, 'answer')
    real.start(next, 0)
    await real.calls.finish(1)
    await real.calls.endAll()
    expect(real.operations.map(({ told }) => told)).toEqual(['open', 'ok', 'ok'])
    expect(real.contradictions()).toEqual([])
  })
})
