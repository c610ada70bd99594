import { SecretsError, type SecretsManager } from '@finchat/secrets-core'
import { discardSecret, pendingSecret, promoteSecret, stageSecret } from '@finchat/secrets-core/staging'
import type { MemoryProvider } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { functionTarget } from '../targets/function-target.ts'
import type { RotationTarget } from '../targets/target.ts'
import { FarSide } from '../testing/rotation-world.ts'
import { failureOf, first, optionsOf, provider, secretsOver, withMembers } from '../testing/rotations.ts'
import { retirePrevious } from './retire-previous.ts'
import { rotate, type RotationResult } from './rotate.ts'
import type { RotateOptions } from './rotate-options.ts'
import type { RotationStep } from './rotation-state.ts'

type Promote = MemoryProvider['staging']['promote']
type Discard = MemoryProvider['staging']['discard']

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) }))
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

interface Traced {
  readonly steps: RotationStep[]
  readonly rotated: Promise<RotationResult>
}

/** A rotation with its steps. */
function traced(secrets: SecretsManager, target: RotationTarget, more: Partial<RotateOptions> = {}): Traced {
  const steps: RotationStep[] = []
  return { steps, rotated: rotate(secrets, 'db', optionsOf(target, { onState: ({ step }) => void steps.push(step), ...more })) }
}

/** The target, where `meanwhile` happens once before its first answer of that kind. */
function interrupted(far: FarSide, at: 'apply' | 'test' | 'rollback', meanwhile: () => Promise<unknown>): RotationTarget {
  let isOver = false
  const once = async (isNow: boolean): Promise<void> => {
    if (isOver || !isNow) return
    isOver = true
    await meanwhile()
  }
  const { target } = far
  return withMembers(target, {
    apply: async (value, fence, ...rest) => {
      await once(at === (fence.token % 2 === 1 ? 'rollback' : 'apply'))
      return target.apply(value, fence, ...rest)
    },
    test: async (...args) => {
      await once(at === 'test')
      return target.test(...args)
    },
  })
}

/** As a person would, who cleans up. */
async function discardStaged(secrets: SecretsManager): Promise<void> {
  const pending = await pendingSecret(secrets, 'db')
  if (pending !== undefined) await discardSecret(secrets, 'db', pending)
}

describe('a rotation withdraws', () => {
  const keepsAll = (): { readonly accepted: Set<string>; readonly target: RotationTarget } => {
    const accepted = new Set([first])
    const target = functionTarget({
      apply: async (value) => void accepted.add(value.reveal()),
      test: async (value) => (accepted.has(value.reveal()) ? 'accepted' : 'refused'),
      retire: async (old) => void accepted.delete(old.reveal()),
    })
    return { accepted, target }
  }

  test('what an earlier one left, before it sets its own value', async () => {
    const { accepted, target } = keepsAll()
    const secrets = secretsOver()
    await traced(secrets, target).rotated
    vi.setSystemTime(Date.now() + 600_000)
    const { steps, rotated } = traced(secrets, target)
    await rotated
    expect([accepted.has(first), accepted.size]).toEqual([false, 2])
    expect(steps).toEqual(['stage', 'test', 'retire', 'apply', 'test', 'promote', 'done'])
  })

  test('nothing within its grace period, though it is forced', async () => {
    const { accepted, target } = keepsAll()
    const secrets = secretsOver()
    await traced(secrets, target).rotated
    await traced(secrets, target, { force: true }).rotated
    expect([accepted.has(first), accepted.size]).toEqual([true, 3])
  })
})

describe('a promotion', () => {
  const promoting = (
    promote: (store: MemoryProvider, ...args: Parameters<Promote>) => ReturnType<Promote>,
  ): [MemoryProvider, SecretsManager] => {
    const store = provider()
    return [store, secretsOver({ ...store, staging: { ...store.staging, promote: (...args) => promote(store, ...args) } })]
  }
  const fails = (code: 'UNAVAILABLE' | 'DEADLINE_EXCEEDED' | 'PERMISSION_DENIED' | 'INTERNAL') => async (): Promise<never> =>
    Promise.reject(new SecretsError(code, 'no', { effect: code === 'PERMISSION_DENIED' ? undefined : 'unknown' }))

  test.each(['UNAVAILABLE', 'DEADLINE_EXCEEDED'] as const)('counts as done if its answer was lost with %s', async (code) => {
    const [, secrets] = promoting(async (store, ...args) => (await store.staging.promote(...args), fails(code)()))
    expect(await traced(secrets, new FarSide(1).target).rotated).toMatchObject({ outcome: 'rotated', version: 2 })
  })

  test.each(['UNAVAILABLE', 'PERMISSION_DENIED'] as const)('that failed with %s rejects, and the next run finishes it', async (code) => {
    const far = new FarSide(1)
    const [store, secrets] = promoting(fails(code))
    expect((await failureOf(traced(secrets, far.target).rotated)).code).toBe(code)
    expect([await secrets.getSecret('db'), far.passwords.includes(first)]).toEqual([first, false])
    expect(await traced(secretsOver(store), far.target).rotated).toMatchObject({ outcome: 'finished' })
  })

  test('that fails with any other error tells that, whatever the store did', async () => {
    const [, secrets] = promoting(async (store, ...args) => (await store.staging.promote(...args), fails('INTERNAL')()))
    expect((await failureOf(traced(secrets, new FarSide(1).target).rotated)).code).toBe('INTERNAL')
  })

  test('rejects as it failed while the store cannot be asked what it did', async () => {
    const store = provider()
    let isDown = false
    const promote: Promote = async () => ((isDown = true), fails('DEADLINE_EXCEEDED')())
    const get: MemoryProvider['get'] = (...args) => (isDown ? fails('UNAVAILABLE')() : store.get(...args))
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const secrets = secretsOver({ ...store, get, staging: { ...store.staging, promote } })
    expect((await failureOf(traced(secrets, new FarSide(1).target).rotated)).code).toBe('DEADLINE_EXCEEDED')
  })
})

describe('a rotator that others overtook', () => {
  test('has rotated, if they finished its version and withdrew the former one', async () => {
    const [far, store] = [new FarSide(2), provider()]
    const others = secretsOver(store)
    const target = interrupted(far, 'apply', async () => {
      await rotate(others, 'db', optionsOf(far.target))
      await retirePrevious(others, 'db', { target: far.target, graceSeconds: 0 })
    })
    expect(await traced(secretsOver(store), target).rotated).toMatchObject({ outcome: 'rotated', version: 2 })
    expect(far.passwords).toEqual([await others.getSecret('db', { fresh: true })])
  })

  test('leaves the target alone, once that has refused its value as too old', async () => {
    const [far, store] = [new FarSide(1), provider()]
    const target = interrupted(far, 'apply', async () => {
      for (const _ of [1, 2]) await rotate(secretsOver(store), 'db', optionsOf(far.target))
    })
    const { steps, rotated } = traced(secretsOver(store), target)
    expect(await rotated).toMatchObject({ outcome: 'overtaken', version: 3 })
    expect(steps).toEqual(['stage', 'apply', 'done'])
  })

  test('leaves the target to the rotator whose version waits now', async () => {
    const [far, store] = [new FarSide(1), provider()]
    const others = secretsOver(store)
    const target = interrupted(far, 'test', async () => {
      await discardStaged(others)
      await stageSecret(others, 'db', 'of another')
    })
    const { steps, rotated } = traced(secretsOver(store), target)
    expect(await rotated).toMatchObject({ outcome: 'overtaken', version: 1 })
    expect(steps).toEqual(['stage', 'apply', 'test', 'promote', 'done'])
    expect((await pendingSecret(others, 'db'))?.value.reveal()).toBe('of another')
  })

  test('sets nothing again where the target still accepts the current value', async () => {
    const [far, store] = [new FarSide(2), provider()]
    const { steps, rotated } = traced(
      secretsOver(store),
      interrupted(far, 'test', () => discardStaged(secretsOver(store))),
    )
    expect(await rotated).toMatchObject({ outcome: 'overtaken', version: 1 })
    expect(steps).toEqual(['stage', 'apply', 'test', 'promote', 'test', 'done'])
  })

  test('sets the current value again, and discards nothing, where the target refuses it', async () => {
    const [far, store] = [new FarSide(1), provider()]
    const { steps, rotated } = traced(
      secretsOver(store),
      interrupted(far, 'test', () => discardStaged(secretsOver(store))),
    )
    expect(await rotated).toMatchObject({ outcome: 'overtaken', version: 1 })
    expect(steps).toEqual(['stage', 'apply', 'test', 'promote', 'test', 'rollBack', 'test', 'done'])
    expect(far.passwords).toEqual([first])
  })

  test('begins no rotation of its own after it found what somebody replaced meanwhile', async () => {
    const [far, store] = [new FarSide(1), provider()]
    const others = secretsOver(store)
    await stageSecret(others, 'db', 'left behind')
    const target = interrupted(far, 'test', () => others.rotateSecret('db', 'by hand'))
    const generate = vi.fn<() => string>(() => 'unused')
    expect(await traced(secretsOver(store), target, { generate }).rotated).toMatchObject({ outcome: 'overtaken' })
    expect([far.passwords, generate.mock.calls.length]).toEqual([['by hand'], 0])
  })
})

describe('a rollback', () => {
  const bad = { generate: () => 'it is bad' }

  test('is none, if somebody discarded the refused value before', async () => {
    const [far, store] = [new FarSide(2), provider()]
    const target = interrupted(far, 'test', () => discardStaged(secretsOver(store)))
    expect(await traced(secretsOver(store), target, bad).rotated).toMatchObject({ outcome: 'overtaken', version: 1 })
  })

  test('gives way to rotators that passed before it', async () => {
    const [far, store] = [new FarSide(1), provider()]
    const others = secretsOver(store)
    const target = interrupted(far, 'rollback', async () => {
      await discardStaged(others)
      await rotate(others, 'db', optionsOf(far.target))
    })
    expect(await traced(secretsOver(store), target, bad).rotated).toMatchObject({ outcome: 'overtaken', version: 3 })
    expect(far.passwords).toEqual([await others.getSecret('db', { fresh: true })])
  })

  /** A target that refuses the second value, which somebody promotes before it is discarded. */
  const promotedMeanwhile = (far: FarSide, refusals: number, more: Partial<RotationTarget> = {}): Traced => {
    const store = provider()
    const discard: Discard = async (...args) => {
      const others = secretsOver(store)
      const pending = await pendingSecret(others, 'db')
      if (pending !== undefined) await promoteSecret(others, 'db', pending)
      return store.staging.discard(...args)
    }
    let left = refusals
    const tests: RotationTarget['test'] = async (value, context) =>
      value.reveal() !== first && (left -= 1) >= 0 ? 'refused' : far.target.test(value, context)
    const target = withMembers(far.target, { test: tests, ...more })
    return traced(secretsOver({ ...store, staging: { ...store.staging, discard } }), target, { generate: () => 'the second' })
  }

  test('sets the refused value after all, if somebody promoted it meanwhile', async () => {
    const far = new FarSide(1)
    const { steps, rotated } = promotedMeanwhile(far, 1)
    expect(await rotated).toMatchObject({ outcome: 'rotated', version: 2 })
    expect(far.passwords).toEqual(['the second'])
    expect(steps).toEqual(['stage', 'apply', 'test', 'rollBack', 'test', 'discard', 'test', 'rollBack', 'test', 'done'])
  })

  test('sets nothing again, if the target accepts by now what was promoted', async () => {
    const far = new FarSide(1)
    const apply: RotationTarget['apply'] = async (value, { token }) => {
      far.token = token
      if (!far.passwords.includes(value.reveal())) far.passwords = [...far.passwords, value.reveal()]
    }
    const { steps, rotated } = promotedMeanwhile(far, 1, { apply })
    expect(await rotated).toMatchObject({ outcome: 'rotated', version: 2 })
    expect(steps).toEqual(['stage', 'apply', 'test', 'rollBack', 'test', 'discard', 'test', 'done'])
  })

  test('rejects, if the target refuses what was promoted', async () => {
    const failure = await failureOf(promotedMeanwhile(new FarSide(1), 9).rotated)
    expect(failure).toMatchObject({ code: 'CONFIGURATION', message: expect.stringContaining('even after it was set again') })
  })

  test('rejects as the store does, if the refused value cannot be discarded', async () => {
    const store = provider()
    const discard: Discard = async () => Promise.reject(new SecretsError('PERMISSION_DENIED', 'no'))
    const secrets = secretsOver({ ...store, staging: { ...store.staging, discard } })
    expect((await failureOf(traced(secrets, new FarSide(1).target, bad).rotated)).code).toBe('PERMISSION_DENIED')
  })
})
