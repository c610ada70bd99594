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
    expect((await messageOf(spoil, rule)).split('\n')[0]).toBe(message)
  })

  test('show the calls with their arguments, and what came before', async () => {
    const spoil = replacing((good) => ({
      put: async (path, write, context) => {
        if (write.ifCurrent === null) throw new SecretsError('VERSION_CONFLICT', 'there is a version')
        return good.put(path, write, context)
      },
    }))
    expect(await messageOf(spoil, 'withdrawn: a write makes it live, or rejects with DELETED and changes nothing')).toBe(
      [
        'put rejected with VERSION_CONFLICT; it must reject with DELETED or UNSUPPORTED',
        'what the test did:',
        '  seed "suite/secret-1", { value: text of 27 } -> undefined',
        '  seed "suite/secret-2", { value: text of 27 } -> undefined',
        '  withdraw "suite/secret-1" -> undefined',
        '  put "suite/secret-1", { value: text of 27, ifCurrent: null } -> VERSION_CONFLICT',
      ].join('\n'),
    )
  })

  test('name what rejected where it must resolve', async () => {
    const spoil = replacing(() => ({
      delete: async () => {
        throw new SecretsError('NOT_FOUND', 'gone')
      },
    }))
    expect(await messageOf(spoil, 'withdrawn: another delete resolves, and it stays withdrawn')).toBe(
      [
        'delete rejected with NOT_FOUND; it must resolve',
        'what the test did:',
        '  seed "suite/secret-9", { value: text of 27 } -> undefined',
        '  delete "suite/secret-9", { purge: false } -> NOT_FOUND',
        '  seed "suite/secret-1", { value: text of 27 } -> undefined',
        '  seed "suite/secret-2", { value: text of 27 } -> undefined',
        '  withdraw "suite/secret-1" -> undefined',
        '  delete "suite/secret-1", { purge: false } -> NOT_FOUND',
      ].join('\n'),
    )
  })

  test('show a broken store, and the last steps of many', async () => {
    const spoil = rejecting(['probe'], () => new SecretsError('UNAVAILABLE', 'down'))
    const message = await messageOf(spoil, denied)
    expect(message).toContain('\n  the store is denied\n')
    expect(message).toContain('\n  probe "suite/secret-1" -> UNAVAILABLE')
    expect(message.split('\n').length).toBeLessThanOrEqual(15)
  })

  test('never have a value', async () => {
    const spoil = replacing(() => ({ get: async () => ({ value: `${canary}-9` }) }))
    for (const rule of [text, denied]) expect(await messageOf(spoil, rule)).not.toContain(canary)
  })
})
