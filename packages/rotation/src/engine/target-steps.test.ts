import type { SecretValue } from '@finchat/secrets-core'
import { describe, expect, test, vi } from 'vitest'
import type { RotationTarget } from '../targets/target.ts'
import { FarSide } from '../testing/rotation-world.ts'
import { failureOf, first, optionsOf, secretsOver, withMembers } from '../testing/rotations.ts'
import { rotate } from './rotate.ts'
import { runOf } from './rotate-options.ts'
import { nextValue } from './target-steps.ts'

const canary = 'c4n4ry-of-a-step'
const foreign = (): never => {
  throw new Error(canary)
}

/** How a rotation fails at a target with these members. */
function failureWith(members: Partial<RotationTarget>): ReturnType<typeof failureOf> {
  return failureOf(rotate(secretsOver(), 'db', optionsOf(withMembers(new FarSide(1).target, members))))
}

describe('a step at a target', () => {
  test.each<[keyof RotationTarget, 'unknown' | undefined]>([
    ['next', undefined],
    ['apply', 'unknown'],
    ['test', undefined],
  ])('%s that throws a foreign error is UNAVAILABLE, with effect %s', async (step, effect) => {
    const failure = await failureWith({ [step]: foreign })
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', effect, message: expect.stringContaining(`'${step}'`) })
    expect(failure.message).not.toContain(canary)
  })

  test.each<[string, Partial<RotationTarget>]>([
    ['`next`', { next: async () => 7 as never }],
    ['`next`', { next: async () => null as never }],
    ['`test`', { test: async () => 'maybe' as never }],
  ])('is INTERNAL where %s returns what it must not', async (step, members) => {
    expect(await failureWith(members)).toMatchObject({ code: 'INTERNAL', message: expect.stringContaining(step) })
  })

  test('is INTERNAL where the generator returns no text, whatever the target makes of it', async () => {
    const next: RotationTarget['next'] = async (_current, generate) => `a ${await generate()}`
    for (const generate of [() => '', () => undefined as never]) {
      const options = optionsOf(withMembers(new FarSide(1).target, { next }), { generate })
      expect(await failureOf(rotate(secretsOver(), 'db', options))).toMatchObject({
        code: 'INTERNAL',
        message: expect.stringContaining('`generate`'),
      })
    }
  })

  test('does not begin for a caller that has given up', async () => {
    const next = vi.fn<RotationTarget['next']>(async () => 'unused')
    const secrets = secretsOver()
    const current: SecretValue = await secrets.getSecretValue('db')
    const { generate, ...options } = optionsOf(withMembers(new FarSide(1).target, { next }), { signal: AbortSignal.abort() })
    expect(
      (
        await failureOf(
          nextValue(runOf(secrets, 'db', { target: options.target, graceSeconds: 0, signal: options.signal }), current, generate),
        )
      ).code,
    ).toBe('ABORTED')
    expect([next.mock.calls, current.reveal()]).toEqual([[], first])
  })
})
