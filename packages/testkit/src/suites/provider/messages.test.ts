import { SecretsError } from '@finchat/secrets-core'
import { describe, expect, test } from 'vitest'
import { memoryManifest } from '../../fakes/memory-provider.ts'
import { rejecting, replacing, type BadProvider } from '../../testing/bad-providers.ts'
import { memoryHarness } from '../../testing/memory-harness.ts'
import { testSecretProvider } from '../test-secret-provider.ts'
import { canary } from './trial.ts'

/** The message of this rule for such a provider. */
async function messageOf(spoil: BadProvider['spoil'], rule: string): Promise<string> {
  const tests = new Map<string, () => Promise<void>>()
  const createHarness = async (): ReturnType<typeof memoryHarness> => spoil(await memoryHarness())
  testSecretProvider({ manifest: memoryManifest, createHarness, test: (name, run) => tests.set(name, run) })
  const [settled] = await Promise.allSettled([tests.get(rule)?.()])
  return settled.status === 'rejected' ? String(settled.reason.message) : 'passed'
}

const denied = 'failing: denied rejects with PERMISSION_DENIED, until the store is repaired'
const text = 'values: one character comes back exactly'

describe('the messages of the suite', () => {
  test.each<readonly [string, BadProvider['spoil'], string, string]>([
    [
      'a batch that swallows',
      replacing((good) => ({
        getMany: async (paths, context) =>
          (await good.getMany(paths, context)).map((one) => (one.status === 'rejected' ? { status: 'fulfilled', value: undefined } : one)),
      })),
      denied,
      'getMany resolved with undefined; it must reject with PERMISSION_DENIED',
    ],
    [
      'another code',
      rejecting(['probe'], () => new SecretsError('UNAVAILABLE', 'down')),
      denied,
      'probe rejected with UNAVAILABLE; it must reject with PERMISSION_DENIED',
    ],
    [
      'a foreign error',
      rejecting(['describe'], () => new TypeError('fetch failed')),
      denied,
      'describe rejected with the error TypeError; it must reject with a SecretsError',
    ],
    [
      'another kind of value',
      replacing(() => ({ get: async () => ({ value: 42 as never }) })),
      text,
      'get resolved with a number; it must resolve with text, as was written',
    ],
    ['another value', replacing(() => ({ get: async () => ({ value: 'y' }) })), text, 'get resolved with another value than was written'],
    [
      'a member that throws',
      replacing(() => ({
        get: () => {
          throw new SecretsError('UNAVAILABLE', 'down')
        },
      })),
      text,
      'get threw; it must return a promise that rejects',
    ],
    [
      'a member without a promise',
      replacing(() => ({ get: () => undefined as never })),
      text,
      'get returned undefined; it must return a promise',
    ],
  ])('name the member and what it did: %s', async (_what, spoil, rule, message) => {
    expect(await messageOf(spoil, rule)).toBe(message)
  })

  test('never have a value', async () => {
    const spoil = replacing(() => ({ get: async () => ({ value: `${canary}-9` }) }))
    for (const rule of [text, denied]) expect(await messageOf(spoil, rule)).not.toContain(canary)
  })
})
