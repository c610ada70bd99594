import {
  createSecretsManager,
  loadSecrets,
  SecretsError,
  type SecretProvider,
  type SecretsManager,
  type StoredSecret,
} from '@finchat/secrets-core'
import { locator } from '@finchat/secrets-core/provider'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { readOnly } from './testing/manager-trial.ts'
import { now, onOwnClock } from './testing/own-clock.ts'

onOwnClock()

const pair = (version: number): StoredSecret => ({ value: JSON.stringify({ user: `u${version}`, password: `p${version}` }), version })

interface Pairs {
  readonly secrets: SecretsManager
  /** How often the store of the pair was asked. */
  readonly asked: () => number
}

/** A store that rotates with each read, behind others that have neither name but hold up the walk of one or the other. */
function pairs(
  members: { readonly before?: readonly string[][]; readonly get?: SecretProvider['get']; readonly ttlSeconds?: number } = {},
): Pairs {
  const { before = [['user']], ttlSeconds = 300 } = members
  let version = 0
  const get = vi.fn<SecretProvider['get']>(members.get ?? (async () => pair((version += 1))))
  const names = { user: 'db#user', password: 'db#password' }
  const earlier = before.map((held, index) => ({
    ...readOnly(`earlier-${index}`, async () => undefined),
    locate: locator({ names: Object.fromEntries(held.map((name) => [name, `${name}-${index}`])), onlyNamed: true }),
  }))
  const store = { ...readOnly('store', get), locate: locator({ names }) }
  return {
    secrets: createSecretsManager({ providers: [...earlier, store], cache: { ttlSeconds } }),
    asked: () => get.mock.calls.length,
  }
}

const both = ['user', 'password'] as const

const calls: Readonly<Record<string, (secrets: SecretsManager) => Promise<unknown>>> = {
  'a fresh getSecrets': async (secrets) => Object.values(await secrets.getSecrets(both, { fresh: true })),
  'a fresh getSecretValues': async (secrets) =>
    (
      await secrets.getSecretValues(
        both.map((name) => ({ name })),
        { fresh: true },
      )
    ).map((result) => (result.status === 'fulfilled' ? result.value.reveal() : String(result.reason))),
  'getSecrets with autoCleanup': async (secrets) => Object.values(await secrets.getSecrets(both, { autoCleanup: true })),
  loadSecrets: async (secrets) => Object.values(await loadSecrets(secrets, { user: {}, password: {} })),
}

it.each(Object.keys(calls))('%s answers two names on one path from one version, though one of them comes there later', async (call) => {
  const { secrets, asked } = pairs({ ttlSeconds: 0 })
  expect([await calls[call]?.(secrets), asked()]).toEqual([['u1', 'p1'], 1])
  await secrets.close()
})

it('names on one path share one version, however many providers stand before it, and whichever name they hold', async () => {
  await expect(
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.subarray([...both]), { maxLength: 4 }),
        fc.boolean(),
        fc.boolean(),
        async (before, fresh, autoCleanup) => {
          const { secrets, asked } = pairs({ before, ttlSeconds: 0 })
          for (const version of [1, 2]) {
            expect(await secrets.getSecrets(both, { fresh, autoCleanup })).toEqual({ user: `u${version}`, password: `p${version}` })
            expect(asked()).toBe(version)
          }
          await secrets.close()
        },
      ),
      { numRuns: 100 },
    ),
  ).resolves.toBeUndefined()
})

it('names that share no path do not wait for each other', async () => {
  const slow = Promise.withResolvers<undefined>()
  const asked = vi.fn<(path: string) => void>()
  const first = { ...readOnly('first', () => slow.promise), locate: locator({ names: { user: 'u' }, onlyNamed: true }) }
  const second = readOnly('second', async (path) => (asked(path), pair(1)))
  const reading = createSecretsManager({ providers: [first, second] }).getSecrets(['user', 'password'])
  await vi.advanceTimersByTimeAsync(0)
  expect(asked.mock.calls).toEqual([['password']])
  slow.resolve(undefined)
  await reading
})

it.each(['not found', 'INTERNAL'] as const)('names on one path share one answer that is none (%s)', async (answer) => {
  let count = 0
  const get = async (): Promise<StoredSecret | undefined> => {
    count += 1
    if (count === 1 && answer === 'INTERNAL') throw new SecretsError(answer, 'on purpose')
    return count === 1 ? undefined : pair(count)
  }
  const { secrets } = pairs({ get, ttlSeconds: 0 })
  const results = await secrets.getSecretValues(
    both.map((name) => ({ name })),
    { fresh: true },
  )
  expect([results.map(({ status }) => status), count]).toEqual([['rejected', 'rejected'], 1])
})

it('a later call is answered anew', async () => {
  const { secrets } = pairs()
  await secrets.getSecrets(both)
  vi.setSystemTime(now + 400_000)
  expect(await secrets.getSecrets(both)).toEqual({ user: 'u2', password: 'p2' })
})
