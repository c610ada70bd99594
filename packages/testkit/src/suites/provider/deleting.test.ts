import { SecretsError, type StoredSecret } from '@finchat/secrets-core'
import { describe, test } from 'vitest'
import type { MemoryProvider } from '../../fakes/memory-provider.ts'
import { badForGood, deletingForGood, rejecting, replacing, testCatches, type BadProvider } from '../../testing/bad-providers.ts'
import { badWithdrawals } from '../../testing/zoo/staging.ts'

const deletes = 'deleting: a delete withdraws every version of the path, and no other path'
const purges = 'deleting: a purge withdraws every version of the path, and no other path'
const missing = 'deleting: deleting a missing secret does nothing, or rejects with NOT_FOUND'
const back = 'restoring: a restored secret has its former values and versions'
const gone = 'restoring: a purged or missing secret cannot be restored'

const remove = (make: (good: MemoryProvider) => MemoryProvider['delete']): BadProvider['spoil'] =>
  replacing((good) => ({ delete: make(good) }))
const restore = (make: (good: MemoryProvider) => MemoryProvider['restore']): BadProvider['spoil'] =>
  replacing((good) => ({ restore: make(good) }))

describe('the rules of deleting and restoring', () => {
  testCatches(test, /^(deleting|restoring|withdrawn):/, {
    ...badWithdrawals,
    'does not delete': { spoil: remove(() => async () => ({})), caughtBy: deletes },
    'does not purge': {
      spoil: remove((good) => async (path, options, context) => (options.purge ? {} : good.delete(path, options, context))),
      caughtBy: purges,
    },
    'refuses to purge what was withdrawn': {
      spoil: remove((good) => async (path, options, context) => {
        if (options.purge) await good.get(path, context)
        return good.delete(path, options, context)
      }),
      caughtBy: 'deleting: a withdrawn secret can be purged',
    },
    'takes a deleted secret for absence': {
      spoil: rejecting(['get'], (error) => (error.code === 'DELETED' ? undefined : error)),
      caughtBy: deletes,
    },
    'leaves the versions before': {
      spoil: replacing((good) => {
        const kept = new Map<string, StoredSecret | undefined>()
        return {
          delete: async (path, options, context) => {
            kept.set(path, await good.getVersion(path, 'previous', context))
            return good.delete(path, options, context)
          },
          getVersion: async (path, version, context) => kept.get(path) ?? good.getVersion(path, version, context),
        }
      }),
      caughtBy: purges,
    },
    'takes a version of a deleted secret for absence': {
      spoil: rejecting(['getVersion'], (error) => (error.code === 'DELETED' ? undefined : error)),
      caughtBy: deletes,
    },
    'restores the current version only': {
      spoil: replacing((good) => {
        const restored = new Set<string>()
        return {
          restore: async (path, context) => {
            await good.restore(path, context)
            restored.add(path)
          },
          getVersion: async (path, version, context) => (restored.has(path) ? undefined : good.getVersion(path, version, context)),
        }
      }),
      caughtBy: back,
    },
    'deletes next door': {
      spoil: remove((good) => async (path, options, context) => {
        if ((await good.get('suite/secret-2', context)) !== undefined) await good.delete('suite/secret-2', options, context)
        return good.delete(path, options, context)
      }),
      caughtBy: deletes,
    },
    'says a time that is over': {
      spoil: remove((good) => async (...args) => ({ ...(await good.delete(...args)), restorableUntil: 1 })),
      caughtBy: deletes,
    },
    'creates what it is to delete': {
      spoil: remove((good) => async (path, options, context) => {
        if ((await good.get(path, context)) === undefined) await good.put(path, { value: '' }, context)
        return good.delete(path, options, context)
      }),
      caughtBy: missing,
    },
    'deletes what it says that it cannot': badForGood(deletes, (good) => async (path, options, context) => {
      if (!options.purge) await good(path, { purge: true }, context)
      return good(path, options, context)
    }),
    'deletes for good when it is to delete': badForGood(
      deletes,
      (good) => (path, _options, context) => good(path, { purge: true }, context),
    ),
    'deletes for good only, and creates what is missing': {
      ...badForGood(missing, (good) => good),
      spoil: (harness) =>
        replacing((good) => ({
          delete: async (path, options, context) => {
            if ((await good.get(path, context)) !== undefined) return good.delete(path, options, context)
            await good.put(path, { value: '' }, context)
            return {}
          },
        }))(deletingForGood(harness)),
    },
    'does not restore': { spoil: restore(() => async () => {}), caughtBy: back },
    'restores the version before': {
      spoil: replacing((good) => {
        const before = new Map<string, StoredSecret | undefined>()
        return {
          delete: async (path, options, context) => {
            before.set(path, await good.getVersion(path, 'previous', context))
            return good.delete(path, options, context)
          },
          restore: async (path, context) => {
            await good.restore(path, context)
            const value = before.get(path)?.value
            if (value !== undefined) await good.put(path, { value }, context)
          },
        }
      }),
      caughtBy: back,
    },
    'restores under another number': {
      spoil: restore((good) => async (path, context) => {
        await good.restore(path, context)
        const value = (await good.get(path, context))?.value
        if (value !== undefined) await good.put(path, { value }, context)
      }),
      caughtBy: back,
    },
    'restores without the tags': {
      spoil: restore((good) => async (path, context) => {
        await good.restore(path, context)
        const { tags } = (await good.describe(path, context)) ?? {}
        await good.tag(path, Object.fromEntries(Object.keys(tags ?? {}).map((key) => [key, null])), context)
      }),
      caughtBy: 'restoring: a restored secret has its former tags',
    },
    'purges no further than it deletes': {
      spoil: remove((good) => (path, _options, context) => good.delete(path, { purge: false }, context)),
      caughtBy: gone,
    },
    'restores what never was': {
      spoil: restore((good) => (path, context) => good.restore(path, context).catch(() => undefined)),
      caughtBy: gone,
    },
    'fails with another code where there is nothing to restore': {
      spoil: rejecting(['restore'], () => new SecretsError('INTERNAL', 'failed')),
      caughtBy: gone,
    },
  })
})
