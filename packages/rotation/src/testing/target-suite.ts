import assert from 'node:assert/strict'
import { SecretsError, type CallContext, type SecretFields, type SecretValue, type SecretsErrorCode } from '@finchat/secrets-core'
import { leaksOf } from '@finchat/secrets-testkit'
import { tokenGenerator } from '../generate/token.ts'
import type { Fence, RotationTarget } from '../targets/target.ts'
import { passwordIn, secretValue } from './secret-value.ts'

type Value = string | SecretFields

/** One target over a server of its own. */
export interface TargetHarness {
  readonly target: RotationTarget
  /** The value that the server accepts at first. */
  readonly current: Value
  /** Whether the server accepts the value, asked without the target. */
  readonly accepts: (value: Value) => Promise<boolean>
  /** Makes the server unreachable, and returns what repairs it. */
  readonly breakServer: () => Promise<() => Promise<unknown>>
  readonly close: () => Promise<unknown>
}

const context: CallContext = { signal: new AbortController().signal }

/** What a rule uses: the target with plain values and tokens. */
class Trial {
  readonly current: Value
  readonly accepts: TargetHarness['accepts']
  readonly breakServer: TargetHarness['breakServer']
  readonly #target: RotationTarget

  constructor({ target, current, accepts, breakServer }: TargetHarness) {
    this.current = current
    this.accepts = accepts
    this.breakServer = breakServer
    this.#target = target
  }

  get hasRetire(): boolean {
    return this.#target.retire !== undefined
  }

  async next(value: Value): Promise<Value> {
    return this.#target.next(await secretValue(value), tokenGenerator())
  }

  async apply(value: Value, token: number, within: CallContext = context, current: Value = this.current): Promise<void> {
    await this.#target.apply(await secretValue(value), fence(token), within, await secretValue(current))
  }

  async test(value: Value, within: CallContext = context): Promise<'accepted' | 'refused'> {
    return this.#target.test(await secretValue(value), within)
  }

  async retire(old: Value, current: Value, token: number): Promise<void> {
    const values: [SecretValue, SecretValue] = [await secretValue(old), await secretValue(current)]
    await this.#target.retire?.(...values, fence(token), context)
  }
}

const fence = (token: number): Fence => ({ secret: 'login', token })

type Rule = (trial: Trial) => Promise<void>

/** What every target keeps; a title and its proof. */
export const targetRules: Readonly<Record<string, Rule>> = {
  'next returns another value, which the server does not know yet': async (trial) => {
    const value = await trial.next(trial.current)
    assert.notEqual(passwordIn(value), passwordIn(trial.current))
    assert.deepEqual([await trial.accepts(trial.current), await trial.accepts(value)], [true, false])
  },
  'apply may be repeated': async (trial) => {
    const value = await trial.next(trial.current)
    for (const token of [2, 2, 2]) await trial.apply(value, token)
    assert.equal(await trial.accepts(value), true)
  },
  'an attempt of long ago is refused, and changes nothing': async (trial) => {
    const [first, second] = await twoAttempts(trial)
    await rejectsWith('VERSION_CONFLICT', trial.apply(first, 2))
    await rejectsWith('VERSION_CONFLICT', trial.apply(trial.current, 3))
    assert.equal(await trial.accepts(second), true)
  },
  'a rollback restores the value, withdraws the other, and stays': async (trial) => {
    const value = await trial.next(trial.current)
    await trial.apply(value, 2)
    for (const token of [3, 3]) await trial.apply(trial.current, token)
    await rejectsWith('VERSION_CONFLICT', trial.apply(value, 2))
    assert.deepEqual([await trial.accepts(trial.current), await trial.accepts(value)], [true, false])
  },
  'the attempt after a rollback works': async (trial) => {
    await trial.apply(await trial.next(trial.current), 2)
    await trial.apply(trial.current, 3)
    const value = await trial.next(trial.current)
    await trial.apply(value, 4)
    assert.equal(await trial.accepts(value), true)
  },
  'test tells accepted from refused': async (trial) => {
    const value = await trial.next(trial.current)
    assert.deepEqual([await trial.test(trial.current), await trial.test(value)], ['accepted', 'refused'])
    await trial.apply(value, 2)
    assert.equal(await trial.test(value), 'accepted')
  },
  'test rejects while the server is unreachable': async (trial) => {
    const repair = await trial.breakServer()
    await rejects(trial.test(trial.current))
    await repair()
    assert.equal(await trial.test(trial.current), 'accepted')
  },
  'the former value is withdrawn at the latest when it is retired, which may be repeated': async (trial) => {
    const value = await trial.next(trial.current)
    await trial.apply(value, 2)
    for (const token of [2, 2]) await trial.retire(trial.current, value, token)
    assert.deepEqual([await trial.accepts(trial.current), await trial.accepts(value)], [false, true])
  },
  'a retirement of long ago is refused, and changes nothing': async (trial) => {
    const [first, second] = await twoAttempts(trial)
    if (trial.hasRetire) await rejectsWith('VERSION_CONFLICT', trial.retire(trial.current, first, 2))
    assert.equal(await trial.accepts(second), true)
  },
  'no error holds a value': async (trial) => {
    const [first, second] = await twoAttempts(trial)
    const errors = [await rejects(trial.apply(first, 2))]
    const repair = await trial.breakServer()
    errors.push(await rejects(trial.apply(second, 4)))
    errors.push(await rejects(trial.test(first)))
    await repair()
    for (const error of errors) for (const value of [first, second]) assert.deepEqual(leaksOf(error, passwordIn(value)), [])
  },
  'an aborted call rejects with ABORTED': async (trial) => {
    const aborted = { signal: AbortSignal.abort() }
    await rejectsWith('ABORTED', trial.test(trial.current, aborted))
    await rejectsWith('ABORTED', trial.apply(trial.current, 2, aborted))
  },
}

/** Two attempts that were applied, one after the other. */
async function twoAttempts(trial: Trial): Promise<[first: Value, second: Value]> {
  const first = await trial.next(trial.current)
  await trial.apply(first, 2)
  const second = await trial.next(first)
  await trial.apply(second, 4, context, first)
  return [first, second]
}

async function rejects(call: Promise<unknown>): Promise<SecretsError> {
  const outcome: unknown = await call.then(
    () => 'it resolved',
    (error: unknown) => error,
  )
  assert.ok(SecretsError.isInstance(outcome), `rejects with a SecretsError: ${typeof outcome === 'string' ? outcome : 'another error'}`)
  return outcome
}

async function rejectsWith(code: SecretsErrorCode, call: Promise<unknown>): Promise<void> {
  assert.equal((await rejects(call)).code, code)
}

/** Proves one rule on a harness, which it closes. */
export async function prove(rule: Rule, createHarness: () => Promise<TargetHarness>): Promise<void> {
  const harness = await createHarness()
  try {
    await rule(new Trial(harness))
  } finally {
    await harness.close()
  }
}

/** Registers one test for each rule with the runner's `test`. */
export function testRotationTarget(
  test: (name: string, run: () => Promise<void>) => unknown,
  createHarness: () => Promise<TargetHarness>,
): void {
  for (const [title, rule] of Object.entries(targetRules)) test(`rotation target: ${title}`, () => prove(rule, createHarness))
}
