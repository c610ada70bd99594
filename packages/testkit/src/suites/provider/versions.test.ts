import { describe, test } from 'vitest'
import type { MemoryProvider } from '../../fakes/memory-provider.ts'
import { replacing, testCatches, type BadProvider } from '../../testing/bad-providers.ts'
import { badOrder } from '../../testing/zoo/values.ts'

const absent = 'versions: an unused number is undefined, never the current version'
const sole = 'versions: `previous` of a single version, or of a missing secret, is undefined'

type GetVersion = MemoryProvider['getVersion']

const getVersion = (make: (good: MemoryProvider) => GetVersion): BadProvider['spoil'] => replacing((good) => ({ getVersion: make(good) }))

describe('the rules of versions', () => {
  testCatches(test, /^versions:/, {
    ...badOrder,
    'answers every version with the current': {
      spoil: getVersion((good) => (path, _version, context) => good.get(path, context)),
      caughtBy: absent,
    },
    'answers a version that does not exist with the current': {
      spoil: getVersion(
        (good) => async (path, version, context) => (await good.getVersion(path, version, context)) ?? good.get(path, context),
      ),
      caughtBy: absent,
    },
    'answers `previous` with the current where there is none': {
      spoil: getVersion(
        (good) => async (path, version, context) =>
          (await good.getVersion(path, version, context)) ?? (version === 'previous' ? good.get(path, context) : undefined),
      ),
      caughtBy: sole,
    },
    'answers `previous` with the first': {
      spoil: getVersion((good) => (path, version, context) => good.getVersion(path, version === 'previous' ? 1 : version, context)),
      caughtBy: 'versions: `previous` is the version before the current one',
    },
    'says another number than was asked for': {
      spoil: getVersion((good) => async (path, version, context) => {
        const secret = await good.getVersion(path, version, context)
        return secret && { ...secret, version: 1 }
      }),
      caughtBy: 'versions: each number has its own value',
    },
    'finds a number under another path': {
      spoil: getVersion(
        (good) => async (path, version, context) =>
          (await good.getVersion('suite/secret-1', version, context)) ?? good.getVersion(path, version, context),
      ),
      caughtBy: 'versions: numbers of two secrets are independent',
    },
    'takes 0 for the current': {
      spoil: getVersion(
        (good) => (path, version, context) => (version === 0 ? good.get(path, context) : good.getVersion(path, version, context)),
      ),
      caughtBy: 'versions: a version that is not a positive integer is refused before any call',
    },
    'has no version that is no number': {
      spoil: getVersion(
        (good) => async (path, version, context) => (Number.isNaN(version) ? undefined : good.getVersion(path, version, context)),
      ),
      caughtBy: 'versions: a version that is not a positive integer is refused before any call',
    },
  })
})
