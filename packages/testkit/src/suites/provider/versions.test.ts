import { describe, test } from 'vitest'
import type { MemoryProvider } from '../../fakes/memory-provider.ts'
import { replacing, testCatches, type BadProvider } from '../../testing/bad-providers.ts'

const absent = 'versions: a number that does not exist is undefined, never the current'
const sole = 'versions: `previous` of a sole version, or of no secret, is undefined'

type GetVersion = MemoryProvider['getVersion']

const getVersion = (make: (good: MemoryProvider) => GetVersion): BadProvider['spoil'] => replacing((good) => ({ getVersion: make(good) }))

describe('the rules of versions', () => {
  testCatches(test, /^versions:/, {
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
      caughtBy: 'versions: `previous` is the one before the current',
    },
    'says another number than was asked for': {
      spoil: getVersion((good) => async (path, version, context) => {
        const secret = await good.getVersion(path, version, context)
        return secret && { ...secret, version: 1 }
      }),
      caughtBy: 'versions: each number is its own value',
    },
    'finds a number under another path': {
      spoil: getVersion(
        (good) => async (path, version, context) =>
          (await good.getVersion('suite/secret-1', version, context)) ?? good.getVersion(path, version, context),
      ),
      caughtBy: 'versions: a number is of its own secret only',
    },
    'takes 0 for the current': {
      spoil: getVersion(
        (good) => (path, version, context) => (version === 0 ? good.get(path, context) : good.getVersion(path, version, context)),
      ),
      caughtBy: 'versions: what is no positive integer is refused before any call',
    },
    'has no version that is no number': {
      spoil: getVersion(
        (good) => async (path, version, context) => (Number.isNaN(version) ? undefined : good.getVersion(path, version, context)),
      ),
      caughtBy: 'versions: what is no positive integer is refused before any call',
    },
  })
})
