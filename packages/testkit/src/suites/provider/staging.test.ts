import { SecretsError, type NewStagedSecret, type SecretProvider, type StagedSecret } from '@finchat/secrets-core'
import { describe, test } from 'vitest'
import type { MemoryProvider } from '../../fakes/memory-provider.ts'
import { replacing, testCatches, type BadProvider } from '../../testing/bad-providers.ts'
import { badStaging } from '../../testing/zoo/staging.ts'

const notCurrent = 'staging: a staged version is read as staged and is not current'
const promoted = 'staging: a promoted version is current, and the former one is previous'
const discarded = 'staging: a discarded version is gone and cannot be promoted'
const stale = 'staging: promoting a version that was staged before another write is a conflict'

type Staging = NonNullable<SecretProvider['staging']>

const staging = (make: (good: Staging, provider: MemoryProvider) => Partial<Staging>): BadProvider['spoil'] =>
  replacing((good) => ({ staging: { ...good.staging, ...make(good.staging, good) } }))

describe('the rules of staging', () => {
  testCatches(test, /^staging: (a (discarded|promoted|staged version (is|alone))|promoting a version that)/, {
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
    'tells the time of a read as that of a promotion': {
      spoil: replacing((good) => {
        const promotions = { count: 0 }
        return {
          get: async (path, context) => {
            const secret = await good.get(path, context)
            return secret && { ...secret, ...(promotions.count > 0 && { currentNotBefore: Date.now() }) }
          },
          staging: {
            ...good.staging,
            promote: async (path, pending, context) => {
              promotions.count += 1
              return good.staging.promote(path, pending, context)
            },
          },
        }
      }),
      caughtBy: promoted,
    },
  })
})

const told = 'staging: a staged version tells its attempt, its time and its note'
const attempts = 'staging: every attempt is above all before it, discarded and promoted ones too'
const noted = 'staging: a version without a note has none, and a note is no tag'
const refused = 'staging: a note that is too long, or no object of texts, is refused before any call'
const putAgain = 'staging: the same value and note again resolve to the first receipt'
const otherTags = 'staging: the same value and note again with other tags stage no other version, and lose no tag'
const putOver = 'staging: another value or note over a staged version is a conflict'
const promotedAgain = 'staging: a repeated promotion resolves to the first receipt while the version is current'
const promotedLate = 'staging: promoting a version again after a newer one became current is a conflict'
const together = 'staging: two concurrent promotions of one version resolve alike'
const discardedAgain = 'staging: a repeated discard resolves, and withdraws no later version'
const discardedLate = 'staging: discarding a promoted version is a conflict'

const telling = (change: (pending: StagedSecret) => Partial<StagedSecret>): BadProvider['spoil'] =>
  staging((good) => ({
    get: async (path, context) => {
      const pending = await good.get(path, context)
      return pending && { ...pending, ...change(pending) }
    },
  }))

/** Discards the staged version before another one is staged. */
const replacingStaged = (isReplaced: (pending: StagedSecret, secret: NewStagedSecret) => boolean): BadProvider['spoil'] =>
  staging((good) => ({
    put: async (path, secret, context) => {
      const pending = await good.get(path, context)
      if (pending !== undefined && isReplaced(pending, secret)) await good.discard(path, pending, context)
      return good.put(path, secret, context)
    },
  }))

const asConflict = (): never => {
  throw new SecretsError('VERSION_CONFLICT', 'not the staged version')
}

describe('the rules of repeated staging', () => {
  testCatches(test, /^staging: (?!a (discarded|promoted|staged version (is|alone))|promoting a version that)/, {
    ...badStaging,
    'tells no attempt': { spoil: telling(() => ({ attempt: undefined })), caughtBy: told },
    'has a receipt without an attempt': {
      spoil: staging((good) => ({ put: async (...args) => ({ ...(await good.put(...args)), attempt: undefined }) })),
      caughtBy: told,
    },
    'tells no time': { spoil: telling(() => ({ stagedAt: undefined })), caughtBy: told },
    'tells the time in seconds': { spoil: telling(({ stagedAt = 0 }) => ({ stagedAt: stagedAt / 1000 })), caughtBy: told },
    'loses the note': { spoil: telling(() => ({ note: undefined })), caughtBy: told },
    'makes up a note': { spoil: telling(({ note }) => ({ note: note ?? {} })), caughtBy: noted },
    'keeps the note as tags': {
      spoil: staging((good) => ({ put: (path, secret, context) => good.put(path, { ...secret, tags: secret.note }, context) })),
      caughtBy: noted,
    },
    'counts only what was promoted': {
      spoil: staging((good, { get }) => ({
        put: async (path, secret, context) => {
          const current = await get(path, context)
          return { ...(await good.put(path, secret, context)), attempt: (current?.version ?? 0) + 1 }
        },
      })),
      caughtBy: attempts,
    },
    'cuts a long note': {
      spoil: staging((good) => ({
        put: (path, secret, context) =>
          good.put(path, { ...secret, note: secret.note && { by: String(secret.note['by']).slice(0, 9) } }, context),
      })),
      caughtBy: refused,
    },
    'stages the same value again': { spoil: replacingStaged((pending, { value }) => pending.value === value), caughtBy: putAgain },
    'refuses the same value again': {
      spoil: staging((good) => ({
        put: async (path, secret, context) =>
          (await good.get(path, context)) === undefined ? good.put(path, secret, context) : asConflict(),
      })),
      caughtBy: putAgain,
    },
    'takes other tags for another version': {
      spoil: replacingStaged((_pending, { tags }) => tags?.['team'] === 'core'),
      caughtBy: otherTags,
    },
    'stages no tags': {
      spoil: staging((good) => ({ put: (path, secret, context) => good.put(path, { ...secret, tags: undefined }, context) })),
      caughtBy: otherTags,
    },
    'replaces a staged version': { spoil: replacingStaged((pending, { value }) => pending.value !== value), caughtBy: putOver },
    'does not compare notes': {
      spoil: staging((good) => ({
        put: async (path, secret, context) =>
          good.put(path, { ...secret, note: (await good.get(path, context))?.note ?? secret.note }, context),
      })),
      caughtBy: putOver,
    },
    'refuses a repeated promotion': {
      spoil: staging((good) => ({
        promote: async (path, pending, context) =>
          (await good.get(path, context))?.revision === pending.revision ? good.promote(path, pending, context) : asConflict(),
      })),
      caughtBy: promotedAgain,
    },
    'promotes whatever is staged': {
      spoil: staging((good) => ({
        promote: async (path, pending, context) => good.promote(path, (await good.get(path, context)) ?? pending, context),
      })),
      caughtBy: promotedAgain,
    },
    'answers a promotion without looking': {
      spoil: staging((good) => {
        const done = new Map<string | undefined, ReturnType<Staging['promote']>>()
        return {
          promote: (path, pending, context) => {
            const promotion = done.get(pending.revision) ?? good.promote(path, pending, context)
            done.set(pending.revision, promotion)
            return promotion
          },
        }
      }),
      caughtBy: promotedLate,
    },
    'lets one of two promotions win': {
      spoil: staging((good) => {
        const running = new Set<string>()
        return {
          promote: async (path, pending, context) => {
            if (running.has(path)) return asConflict()
            running.add(path)
            return good.promote(path, pending, context).finally(() => running.delete(path))
          },
        }
      }),
      caughtBy: together,
    },
    'refuses a repeated discard': {
      spoil: staging((good) => ({
        discard: async (path, pending, context) =>
          (await good.get(path, context))?.revision === pending.revision ? good.discard(path, pending, context) : asConflict(),
      })),
      caughtBy: discardedAgain,
    },
    'discards whatever is staged': {
      spoil: staging((good) => ({
        discard: async (path, pending, context) => good.discard(path, (await good.get(path, context)) ?? pending, context),
      })),
      caughtBy: discardedAgain,
    },
    'says that it discarded what is current': {
      spoil: staging((good) => ({ discard: (path, pending, context) => good.discard(path, pending, context).catch(() => {}) })),
      caughtBy: discardedLate,
    },
  })
})
