import { SecretsError } from '@finchat/secrets-core'
import { leaksOf } from '@finchat/secrets-testkit'
import { describe, expect, test } from 'vitest'
import { MemoryServer, memoryFunctions } from '../testing/memory-server.ts'
import { passwordIn, secretValue } from '../testing/secret-value.ts'
import { prove, targetRules, testRotationTarget, type TargetHarness } from '../testing/target-suite.ts'
import { functionTarget, type FunctionTargetOptions } from './function-target.ts'

type Change = (options: FunctionTargetOptions, server: MemoryServer) => Partial<FunctionTargetOptions>

function harnessOf(change: Change = () => ({})): () => Promise<TargetHarness> {
  return async () => {
    const server = new MemoryServer()
    const functions = memoryFunctions(server)
    return {
      target: functionTarget({ ...functions, ...change(functions, server) }),
      current: 'the first password',
      accepts: async (value) => server.passwords.includes(passwordIn(value)),
      breakServer: async () => {
        server.isReachable = false
        return async () => void (server.isReachable = true)
      },
      close: async () => {},
    }
  }
}

describe('a target of functions', () => {
  testRotationTarget(test, harnessOf())
})

const unfenced = { secret: 'login', token: Infinity }

describe('the suite finds a target', () => {
  const wrong: Record<string, [Change, RegExp]> = {
    'whose next returns the same value': [() => ({ next: async (current) => current.reveal() }), /^next/],
    'whose next sets the value': [
      (_, server) => ({
        next: async (_current, generate) => {
          const value = await generate()
          server.passwords = [...server.passwords, value]
          return value
        },
      }),
      /^next/,
    ],
    'that cannot be applied twice': [
      ({ apply }, server) => ({
        apply: async (value, fence, context) => {
          if (server.passwords.includes(value.reveal()) && fence.token % 2 === 0)
            throw new SecretsError('INVALID_ARGUMENT', 'there already')
          return apply(value, fence, context)
        },
      }),
      /^apply may be repeated$/,
    ],
    'without a fence': [
      ({ apply }, server) => ({
        apply: (value, { token, secret }, context) => apply(value, { secret, token: Math.max(token, server.token) }, context),
      }),
      /attempt of long ago|stays$/,
    ],
    'whose rollback does not raise the fence': [
      ({ apply }) => ({ apply: (value, { token, secret }, context) => apply(value, { secret, token: token - (token % 2) }, context) }),
      /stays$/,
    ],
    'that takes the next attempt for an older one': [
      ({ apply }, server) => ({
        apply: async (value, fence, context) => {
          if (fence.token > server.token && server.token > 2) throw new SecretsError('VERSION_CONFLICT', 'overtaken')
          return apply(value, fence, context)
        },
      }),
      /after a rollback/,
    ],
    'that accepts everything': [() => ({ test: async () => 'accepted' }), /^test/],
    'that refuses everything': [() => ({ test: async () => 'refused' }), /^test/],
    'that takes an outage for a refusal': [
      ({ test: given }) => ({ test: (value, context) => given(value, context).catch(() => 'refused' as const) }),
      /is unreachable/,
    ],
    'that retires nothing': [() => ({ retire: undefined }), /at the latest/],
    'whose retirement is not fenced': [
      ({ retire }) => ({ retire: (old, current, _fence, context) => retire?.(old, current, unfenced, context) ?? Promise.resolve() }),
      /retirement of long ago/,
    ],
    'whose error quotes the value': [
      ({ test: given }) => ({
        test: (value, context) =>
          given(value, context).catch(() => Promise.reject(new SecretsError('UNAVAILABLE', `no login with ${value.reveal()}`))),
      }),
      /no error holds/,
    ],
  }

  test.each(Object.entries(wrong))('%s', async (_, [change, isFound]) => {
    const found = Object.entries(targetRules).filter(([title]) => isFound.test(title))
    expect(found).not.toEqual([])
    for (const [, rule] of found) await expect(prove(rule, harnessOf(change))).rejects.toBeInstanceOf(Error)
  })

  test('by every rule that a wrong target can break', () => {
    const titles = Object.keys(targetRules).filter((title) => !/ABORTED/.test(title)) // functionTarget itself ends aborted calls
    expect(titles.filter((title) => !Object.values(wrong).some(([, isFound]) => isFound.test(title)))).toEqual([])
  })
})

describe('the functions', () => {
  const context = { signal: new AbortController().signal }

  test('of a secret with fields set the field password, unless they say otherwise', async () => {
    const target = functionTarget(memoryFunctions(new MemoryServer()))
    expect(await target.next(await secretValue({ user: 'app', password: 'one' }), () => 'two')).toEqual({ user: 'app', password: 'two' })
    expect(await target.next(await secretValue('one'), () => 'two')).toBe('two')
  })

  test('may throw what they like: only a SecretsError leaves the target', async () => {
    const canary = 'c4n4ry-in-a-foreign-error'
    const throwing = (): never => {
      throw new Error(canary, { cause: canary })
    }
    const target = functionTarget({ next: throwing, apply: throwing, test: throwing, retire: throwing, sessions: throwing })
    const value = await secretValue('one')
    const calls = [
      target.next(value, () => 'two'),
      target.apply(value, unfenced, context),
      target.test(value, context),
      target.retire?.(value, value, unfenced, context) ?? Promise.resolve(),
      target.sessions?.(value, context) ?? Promise.resolve(),
    ]
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'UNAVAILABLE' } })
      expect(leaksOf(outcome, canary)).toEqual([])
    }
  })

  test('must answer with one of two words', async () => {
    const target = functionTarget({ ...memoryFunctions(new MemoryServer()), test: async () => true as never })
    await expect(target.test(await secretValue('one'), context)).rejects.toMatchObject({ code: 'INTERNAL' })
  })

  test('that hang end with the caller', async () => {
    const target = functionTarget({ ...memoryFunctions(new MemoryServer()), apply: () => new Promise(() => {}) })
    const controller = new AbortController()
    const call = target.apply(await secretValue('one'), unfenced, controller)
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test.each<[string, unknown]>([
    ['`test`', { apply: async () => {} }],
    ['`apply`', { test: async () => 'accepted' }],
    ['`retire`', { ...memoryFunctions(new MemoryServer()), retire: 1 }],
    ['not known', { ...memoryFunctions(new MemoryServer()), undo: 1 }],
  ])('must be there: %s', (problem, options) => {
    expect(() => functionTarget(options as FunctionTargetOptions)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining(problem) }),
    )
  })
})
