import type { SecretProvider } from '@finchat/secrets-core'
import { describe, test } from 'vitest'
import type { MemoryProvider } from '../../fakes/memory-provider.ts'
import { replacing, testCatches, type BadProvider } from '../../testing/bad-providers.ts'

const notCurrent = 'staging: a staged version is read as staged and is not current'
const promoted = 'staging: a promoted version is current, and the former one is previous'
const discarded = 'staging: a discarded version is gone and cannot be promoted'
const stale = 'staging: promoting a version that was staged before another write is a conflict'

type Staging = NonNullable<SecretProvider['staging']>

const staging = (make: (good: Staging, provider: MemoryProvider) => Partial<Staging>): BadProvider['spoil'] =>
  replacing((good) => ({ staging: { ...good.staging, ...make(good.staging, good) } }))

describe('the rules of staging', () => {
  testCatches(test, /^staging:/, {
    'makes a staged version current at once': { spoil: staging((_good, { put, get }) => ({ put, get })), caughtBy: notCurrent },
    'creates a secret by staging': {
      spoil: staging((good, { get, put }) => ({
        put: async (path, secret, context) =>
          (await get(path, context)) === undefined ? put(path, secret, context) : good.put(path, secret, context),
      })),
      caughtBy: 'staging: a staged version alone creates no secret',
    },
    'has no staged version': { spoil: staging(() => ({ get: async () => undefined })), caughtBy: notCurrent },
    'does not discard': { spoil: staging(() => ({ discard: async () => {} })), caughtBy: discarded },
    'promotes what was discarded': {
      spoil: staging((good, { put }) => ({
        promote: (path, pending, context) => good.promote(path, pending, context).catch(() => put(path, { value: 'old' }, context)),
      })),
      caughtBy: discarded,
    },
    'promotes over a newer version': {
      spoil: staging((good, { put }) => ({
        promote: async (path, pending, context) => {
          const value = (await good.get(path, context))?.value
          return value === undefined ? good.promote(path, pending, context) : put(path, { value }, context)
        },
      })),
      caughtBy: stale,
    },
    'goes on staging what it promoted': {
      spoil: staging((good, { get }) => ({ get: async (path, context) => (await good.get(path, context)) ?? get(path, context) })),
      caughtBy: promoted,
    },
    'does not promote': { spoil: staging(() => ({ promote: async (_path, pending) => pending })), caughtBy: promoted },
    'promotes one version twice': {
      spoil: staging((good) => {
        const done = new Map<number | undefined, ReturnType<Staging['promote']>>()
        return {
          promote: (path, pending, context) => {
            const promotion = done.get(pending.version) ?? good.promote(path, pending, context)
            done.set(pending.version, promotion)
            return promotion
          },
        }
      }),
      caughtBy: 'staging: one of two concurrent promotions wins',
    },
  })
})
