import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  createSecretsManager,
  SecretsError,
  type CallContext,
  type SecretProvider,
  type SecretsManager,
  type WriteReceipt,
} from '@finchat/secrets-core'
import { wrapProvider, type ProviderCall } from '@finchat/secrets-core/provider'
import { memoryAuditTrail, memoryProvider, memorySharedCache } from '@finchat/secrets-testkit'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { onOwnClock } from './testing/own-clock.ts'

onOwnClock({ random: 0 })

type Fields = Readonly<Record<string, string>>
type Call = 'storeSecret' | 'rotateSecret'

/** What a writer does. A number of its own is that many above the last. */
type Change =
  | { readonly kind: 'field'; readonly field: string; readonly call: Call; readonly above: number | undefined }
  | { readonly kind: 'value'; readonly call: Call; readonly above: number | undefined }
  | { readonly kind: 'whole'; readonly fields: readonly string[]; readonly call: Call }
  | { readonly kind: 'staged'; readonly fields: readonly string[] }
  | { readonly kind: 'delete' }
  | { readonly kind: 'read' }

/**
 * What becomes of a call. `lost`: it is done, and its answer is UNAVAILABLE. `repeated`: it is done, and a repeat of it is refused. `refused`: it is not
 * done. `lagging`: a look shows what was there before the last change.
 */
type LookFate = 'answered' | 'lagging'
type EffectFate = 'answered' | 'lost' | 'repeated' | 'refused'
interface Fates {
  readonly looks: readonly LookFate[]
  readonly effects: readonly EffectFate[]
}

/** A change begins, one call of those under way goes on by one step, or so much time passes that all are given up on, or a writer is closed. */
type Step =
  | ({ readonly do: 'begin'; readonly by: 0 | 1; readonly change: Change } & Fates)
  | { readonly do: 'go on'; readonly which: number } // by its place in the queue; -1: the last one
  | { readonly do: 'wait' }
  | { readonly do: 'close' }

interface Operation {
  readonly id: number
  readonly change: Change
  readonly looks: LookFate[]
  readonly effects: EffectFate[]
  readonly applied: { readonly receipt: WriteReceipt; readonly before: State; readonly after: State }[]
  outcome: PromiseSettledResult<unknown> | undefined
}

/** The fields that are there; `undefined`: there is no secret, or it was withdrawn. */
type State = { readonly fields: Fields } | 'withdrawn' | undefined

const path = 'db'
const deadlineMs = 1_000
const never: CallContext = { signal: new AbortController().signal }
const isLook = new Set(['get', 'describe'])
const isEffect = new Set(['put', 'delete', 'staging.put', 'staging.promote'])
const changesCurrent = new Set(['put', 'delete', 'staging.promote'])

class World {
  readonly #running = new AsyncLocalStorage<Operation>()
  readonly #audit = memoryAuditTrail()
  readonly #operations: Operation[] = []
  readonly #waiting: (() => void)[] = []
  readonly #store = memoryProvider({ sharedAs: 'store', secrets: { [path]: { value: '{"a":"0"}', shape: 'map' } } })
  readonly #provider: SecretProvider
  readonly #managers: readonly [SecretsManager, SecretsManager]
  #closed: 'no' | 'closing' | 'yes' = 'no'
  #isTold = true

  constructor() {
    const store: SecretProvider = { ...this.#store, keepsFields: () => true } // a map may be at any path
    this.#provider = wrapProvider(store, (call, next) => this.#carried(call, next))
    const shared = memorySharedCache()
    const managerOver = (cache: typeof shared): SecretsManager =>
      createSecretsManager({ providers: [this.#provider], cache: { shared: cache }, audit: this.#audit, deadlineMs })
    this.#managers = [managerOver(shared), managerOver(shared.anotherProcess())]
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      await this.#take(step)
      await vi.advanceTimersByTimeAsync(1)
    }
    for (let turns = 0; this.#waiting.length > 0 || this.#operations.some(({ outcome }) => outcome === undefined); turns += 1) {
      assert.ok(turns < 2_000, 'a writer hangs')
      this.#goOn(0)
      await vi.advanceTimersByTimeAsync(1)
    }
    for (const operation of this.#operations) this.#check(operation)
    await this.#checkReads()
  }

  async #take(step: Step): Promise<void> {
    if (step.do === 'begin') this.#begin(step)
    else if (step.do === 'go on') this.#goOn(step.which)
    else if (step.do === 'wait') await vi.advanceTimersByTimeAsync(deadlineMs)
    else if (this.#closed === 'no') {
      this.#closed = 'closing'
      this.#managers[0].close({ timeoutMs: deadlineMs / 2 }).then(
        () => (this.#closed = 'yes'),
        () => (this.#closed = 'yes'),
      )
    }
  }

  #begin({ by, change, looks, effects }: Extract<Step, { do: 'begin' }>): void {
    const id = this.#operations.length + 1
    const operation: Operation = { id, change, looks: [...looks], effects: [...effects], applied: [], outcome: undefined }
    this.#operations.push(operation)
    const done = this.#running.run(operation, () => this.#changed(this.#managers[by], operation))
    void Promise.allSettled([done]).then(([outcome]) => (operation.outcome = outcome))
  }

  async #changed(manager: SecretsManager, { id, change }: Operation): Promise<unknown> {
    const options = { requestId: String(id) }
    const text = `v${id}`
    if (change.kind === 'read') return manager.getSecretValue(path, options)
    if (change.kind === 'delete') return manager.deleteSecret(path, options)
    if (change.kind === 'whole') return manager[change.call](path, fieldsOf(change.fields, text), options)
    if (change.kind === 'staged') return this.#rotated(JSON.stringify(fieldsOf(change.fields, text)))
    const version = change.above === undefined ? undefined : this.#lastNumber() + change.above
    const field = change.kind === 'field' ? change.field : undefined
    return manager[change.call](path, text, { ...options, field, version })
  }

  /** By a tool that rotates, past the managers. */
  async #rotated(value: string): Promise<WriteReceipt | undefined> {
    const pending = await this.#provider.staging?.put(path, { value, shape: 'map' }, never)
    return pending && this.#provider.staging?.promote(path, pending, never)
  }

  #lastNumber(): number {
    return Math.max(...this.#operations.flatMap(({ applied }) => applied.map(({ receipt: { version = 0 } }) => version)), 1)
  }

  /** A call waits for its turn on its way to the store, and on its way back. No abort reaches it. */
  async #carried(call: ProviderCall, next: (context: CallContext) => Promise<unknown>): Promise<unknown> {
    if (call.method === 'close') return next(call.context)
    await this.#turn()
    const [answer] = await Promise.allSettled([this.#answer(call, next)])
    await this.#turn()
    if (answer.status === 'rejected') throw answer.reason
    return answer.value
  }

  async #answer({ method, context }: ProviderCall, next: (context: CallContext) => Promise<unknown>): Promise<unknown> {
    const call = (): Promise<unknown> => next({ ...context, signal: never.signal })
    const ask = changesCurrent.has(method) ? () => this.#apply(call) : call
    const operation = this.#running.getStore()
    if (operation === undefined) return ask()
    if (isLook.has(method) && operation.change.kind !== 'read') return operation.looks.shift() === 'lagging' ? this.#lagging() : ask()
    const fate = isEffect.has(method) ? operation.effects.shift() : 'answered'
    if (fate === 'refused') throw new SecretsError('RATE_LIMITED', 'refused on purpose')
    const answer = await ask()
    if (fate === 'lost') throw new SecretsError('UNAVAILABLE', 'lost on purpose', { effect: 'unknown' })
    if (fate === 'repeated') throw new SecretsError('VERSION_CONFLICT', 'repeated on purpose', { effect: 'unknown' })
    return answer
  }

  #lagging(): ReturnType<SecretProvider['get']> {
    return this.#store.getVersion(path, 'previous', never)
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #goOn(which: number): void {
    const [resolve] = this.#waiting.splice(which < this.#waiting.length ? which : 0, 1)
    resolve?.()
  }

  /** The store changes: by whom, and from what to what. */
  async #apply(change: () => Promise<unknown>): Promise<WriteReceipt> {
    const operation = this.#running.getStore()
    const before = await this.#state()
    const receipt = (await change()) as WriteReceipt // what each of these methods resolves with
    if (operation === undefined) throw new Error('no operation changed the store')
    operation.applied.push({ receipt, before, after: await this.#state() })
    // After `close()`, and past the managers, no caches are invalidated.
    if (this.#closed === 'yes' || operation.change.kind === 'staged') this.#isTold = false
    return receipt
  }

  async #state(): Promise<State> {
    try {
      const current = await this.#store.get(path, never)
      return current && { fields: fieldsIn(String(current.value), current.shape) }
    } catch {
      return 'withdrawn'
    }
  }

  #check({ id, change, applied, outcome }: Operation): void {
    const name = `${JSON.stringify(change)} (${id})`
    for (const { before, after } of applied) assertNamed(name, change, before, after)
    if (change.kind !== 'read') {
      assert.ok(applied.length <= 1, `${name} was done ${applied.length} times`)
      if (outcome?.status === 'fulfilled') assert.equal(applied.length, 1, `${name} was acknowledged and not done`)
      if (outcome?.status === 'fulfilled' && change.kind !== 'delete')
        assert.equal((outcome.value as WriteReceipt).version, applied[0]?.receipt.version, `${name} was acknowledged as another version`) // a receipt
      if (outcome?.status === 'rejected' && outcome.reason.effect === undefined && change.kind !== 'staged')
        assert.equal(applied.length, 0, `${name} was done, and the error says nothing of it`)
    }
    const phases = this.#audit.events().flatMap(({ requestId, phase }) => (requestId === String(id) ? [phase] : []))
    const isSuitable = phases.length === 0 || phases.join() === (change.kind === 'read' ? 'outcome' : 'intent,outcome')
    assert.ok(isSuitable, `the trail of ${name} is ${phases.join()}`)
  }

  /** At the end no reader gets a value from before the last change, except where an invalidation failed. */
  async #checkReads(): Promise<void> {
    await vi.advanceTimersByTimeAsync(60_000)
    if (!this.#isTold) return
    const readers = this.#managers.slice(this.#closed === 'no' ? 0 : 1)
    for (const reader of readers) {
      const reading = reader.getSecretValue(path).then(
        ({ version }) => version,
        (error: SecretsError) => error.code,
      )
      for (let turns = 0; turns < 20; turns += 1) {
        this.#goOn(0)
        await vi.advanceTimersByTimeAsync(1)
      }
      assert.equal(await reading, (await this.#state()) === 'withdrawn' ? 'DELETED' : (await this.#store.get(path, never))?.version)
    }
  }
}

/** A change leaves all that it does not name as it is, and brings nothing back that was withdrawn. */
function assertNamed(name: string, change: Change, before: State, after: State): void {
  const was = typeof before === 'object' ? before.fields : {}
  const is = typeof after === 'object' ? after.fields : {}
  if (change.kind === 'whole' || change.kind === 'staged' || change.kind === 'delete') return
  if (change.kind === 'value') assert.ok(Object.keys(was).length <= 1, `${name} replaced ${JSON.stringify(was)}`)
  const named = change.kind === 'field' ? [change.field] : Object.keys(was)
  const others = (fields: Fields): Fields => Object.fromEntries(Object.entries(fields).filter(([field]) => !named.includes(field)))
  if (change.kind === 'field') assert.deepEqual(others(is), others(was), `${name} changed another field`)
  else if (named.length === 1) assert.deepEqual(Object.keys(is), named, `${name} renamed the field`)
}

function fieldsOf(fields: readonly string[], text: string): Record<string, string> {
  return Object.fromEntries(fields.map((field) => [field, text]))
}

/** A text counts as the field that stores of fields keep it in. */
function fieldsIn(value: string, shape: 'map' | undefined): Fields {
  return shape === 'map' || value.startsWith('{') ? (JSON.parse(value) as Fields) : { value }
}

const field = fc.constantFrom('a', 'b')
const fields = fc.subarray(['a', 'b'], { minLength: 1 })
const call = fc.constantFrom<Call>('storeSecret', 'rotateSecret')
const above = fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 }) })
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('field' as const), field, call, above }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('value' as const), call, above }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('whole' as const), fields, call }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('staged' as const), fields }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'delete' as const }) },
  { weight: 5, arbitrary: fc.constant({ kind: 'read' as const }) },
)
const fateOf = <Each extends string>(...others: readonly Each[]): fc.Arbitrary<Each | 'answered'> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant('answered' as const) }, { weight: 1, arbitrary: fc.constantFrom(...others) })
const begin = fc.record({
  do: fc.constant('begin' as const),
  by: fc.constantFrom<0 | 1>(0, 1),
  change,
  looks: fc.array(fateOf('lagging'), { maxLength: 3 }),
  effects: fc.array(fateOf('lost', 'repeated', 'refused'), { maxLength: 3 }),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: begin },
  { weight: 24, arbitrary: fc.record({ do: fc.constant('go on' as const), which: fc.constantFrom(0, 1, 2, -1, -1) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'wait' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'close' as const }) },
)

const goOn = (...turns: readonly number[]): Step[] => turns.map((which) => ({ do: 'go on', which }))
const begun = (by: 0 | 1, what: Change): Step => ({ do: 'begin', by, change: what, looks: [], effects: [] })
const written: Change = { kind: 'field', field: 'a', call: 'storeSecret', above: undefined }

/** Rare ones: a write lands after its deadline, when the former value was read again; and one is given up on by `close()`. */
const examples: [Step[]][] = [
  [[begun(0, written), ...goOn(0, 0), { do: 'wait' }, ...goOn(1, 1), begun(1, { kind: 'read' }), ...goOn(1, 1, 0, 0)]],
  [[begun(0, written), begun(0, { kind: 'read' }), ...goOn(0, 0), { do: 'close' }, ...goOn(0, 0, 0), { do: 'wait' }, ...goOn(0, 0, 0, 0)]],
]

it('loses no acknowledged write, undoes no newer one, and leaves no intent without an outcome, whatever the store and two writers do', async () => {
  await expect(
    fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), (steps) => new World().run(steps)),
      { numRuns: 400, examples },
    ),
  ).resolves.toBeUndefined()
})
