import type { SharedCache, SharedKey } from '@finchat/secrets-core'
import { describe, expect, test } from 'vitest'
import { memorySharedCache, testSecretCache, type SharedCacheFault, type SecretCacheHarness } from '../index.ts'

const key = { sharedAs: 'store', path: 'api_key' }
const context = { signal: new AbortController().signal }

describe('the shared cache in memory keeps the contract', () => {
  testSecretCache({ test, createHarness: async () => harness() })
})

describe('the shared cache in memory', () => {
  test('counts its calls, by member and in all', async () => {
    const cache = memorySharedCache()
    await cache.read(key, context)
    await cache.read(key, context)
    await cache.invalidate(key, context)
    expect([cache.calls(), cache.calls('read'), cache.calls('fill'), cache.calls('invalidate')]).toEqual([3, 2, 0, 1])
  })

  test('holds entries for every process that shares it', async () => {
    const cache = memorySharedCache()
    await fillGap(cache, key)
    expect([cache.size(), cache.anotherProcess().size(), memorySharedCache().size()]).toEqual([1, 1, 0])
  })

  test('hangs where it is told to, until the signal is aborted', async () => {
    const cache = memorySharedCache({ plan: (call) => (call === 'read' ? 'hang' : undefined) })
    const controller = new AbortController()
    const read = cache.read(key, { signal: controller.signal })
    controller.abort()
    await expect(read).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(cache.invalidate(key, context)).resolves.toBeUndefined()
  })

  test('throws a foreign error where it is told to, as no good one does', async () => {
    await expect(memorySharedCache({ plan: () => 'throw' }).read(key, context)).rejects.toThrow(TypeError)
  })

  test('does not hear of its own invalidations', async () => {
    const cache = memorySharedCache()
    const heard: unknown[] = []
    cache.subscribe?.((one) => heard.push(one))
    await cache.invalidate(key, context)
    expect(heard).toEqual([])
  })
})

function withoutVersion({ sharedAs, path }: SharedKey): SharedKey {
  return { sharedAs, path }
}

async function fillGap(cache: SharedCache, at: SharedKey): Promise<void> {
  const answer = await cache.read(at, context)
  if ('ticket' in answer) await cache.fill(at, answer.ticket, { secret: { value: 'v1' }, until: Date.now() + 1000 }, context)
}

/** Makes a bad cache of a good one, with what the processes of one level share. */
type Spoil = (good: SharedCache, level: Set<string>) => Partial<SharedCache>

/** Each breaks one rule on purpose. */
const bad: Readonly<Record<string, { readonly caughtBy: string; readonly make: Spoil }>> = {
  'loses the version of a key': {
    caughtBy: 'an entry is of its own store, path and version only',
    make: (good) => ({
      read: (at, ...rest) => good.read(withoutVersion(at), ...rest),
      fill: (at, ...rest) => good.fill(withoutVersion(at), ...rest),
    }),
  },
  'holds nothing': { caughtBy: 'what was filled is a hit, for every process, exactly', make: () => ({ fill: async () => {} }) },
  'answers what was never filled': {
    caughtBy: 'what was not filled is a ticket',
    make: () => ({ read: async () => ({ hit: { value: '' }, until: Number.MAX_SAFE_INTEGER }) }),
  },
  'holds for ever': {
    caughtBy: 'an entry is not answered after its time',
    make: (good) => ({
      fill: (at, ticket, entry, ...rest) => good.fill(at, ticket, entry && { ...entry, until: Number.MAX_SAFE_INTEGER }, ...rest),
    }),
  },
  'makes every entry look new': {
    caughtBy: 'an entry is as old as its store was asked for it, if the cache tells an age',
    make: (good) => ({
      read: async (...args) => {
        const answer = await good.read(...args)
        return 'hit' in answer ? { ...answer, askedAt: Date.now() } : answer
      },
    }),
  },
  'takes a ticket that it never gave': {
    caughtBy: 'a fill whose time is over, or with a ticket that the cache never gave, changes nothing',
    make: (good) => ({
      fill: (at, ticket, ...rest) => good.fill(at, 'generation' in ticket ? ticket : { generation: 0 }, ...rest),
    }),
  },
  'reads on when nobody wants the answer': {
    caughtBy: 'a read that is aborted ends',
    make: (good) => ({
      read: async (at, call) => {
        const answer = await good.read(at, call)
        return call.signal.aborted ? new Promise(() => {}) : answer
      },
    }),
  },
  'does not invalidate': {
    caughtBy: 'an invalidation drops every version of the path, for every process, and no other path',
    make: () => ({ invalidate: async () => {} }),
  },
  'serves what a replica that lags behind brings': {
    caughtBy: 'a version below the least that was told is not served as the current one',
    make: (good) => ({ invalidate: ({ sharedAs, path }, ...rest) => good.invalidate({ sharedAs, path }, ...rest) }),
  },
  'lets an invalidation without a version lift the least': {
    caughtBy: 'an invalidation that knows no version keeps the least that was told',
    make: (good) => ({ invalidate: ({ leastVersion = 0, ...at }, ...rest) => good.invalidate({ ...at, leastVersion }, ...rest) }),
  },
  'never lifts the least version': {
    caughtBy: 'an invalidation to the least version 0 lets any version be current again',
    make: (good) => ({
      invalidate: ({ leastVersion, ...at }, ...rest) => good.invalidate({ ...at, leastVersion: leastVersion || undefined }, ...rest),
    }),
  },
  'fills with any ticket': {
    caughtBy: 'a fill with a ticket from before an invalidation changes nothing',
    make: (good) => ({
      fill: async (at, _ticket, ...rest) => {
        const answer = await good.read(at, context)
        if ('ticket' in answer) await good.fill(at, answer.ticket, ...rest)
      },
    }),
  },
  'waits for a fill that will not come': {
    caughtBy: 'a fill with no answer lets others ask',
    make: (good, level) => ({
      read: (at, ...rest) => (level.has(at.path) ? new Promise(() => {}) : good.read(at, ...rest)),
      fill: async (at, ticket, entry, ...rest) =>
        void (entry === undefined ? level.add(at.path) : await good.fill(at, ticket, entry, ...rest)),
    }),
  },
  'lends its own bytes': {
    caughtBy: 'bytes are copied in and out',
    make: (good) => {
      const lent = new Map<string, ReturnType<SharedCache['read']>>()
      return {
        read: async (at, ...rest) => {
          const answer = lent.get(at.path) ?? good.read(at, ...rest)
          if ('hit' in (await answer)) lent.set(at.path, answer)
          return answer
        },
      }
    },
  },
  'rejects a read when its level fails': {
    caughtBy: 'a level that fails is a miss and a lost fill, and an invalidation that rejects',
    make: (good) => ({
      read: async (...args) => {
        const answer = await good.read(...args)
        if ('ticket' in answer && answer.ticket['generation'] === -1) throw new TypeError('the level is down')
        return answer
      },
    }),
  },
  'says that it invalidated when it could not': {
    caughtBy: 'a level that fails is a miss and a lost fill, and an invalidation that rejects',
    make: (good) => ({ invalidate: (...args) => good.invalidate(...args).catch(() => {}) }),
  },
  'tells its subscribers nothing': {
    caughtBy: 'a subscriber hears of what other processes invalidate, until it ends',
    make: () => ({ subscribe: () => () => {} }),
  },
  'cannot be closed twice': {
    caughtBy: 'it may be closed twice',
    make: () => {
      const state = { closed: false }
      return {
        close: async () => {
          if (state.closed) throw new TypeError('already closed')
          state.closed = true
        },
      }
    },
  },
}

describe('the rules of shared caches', () => {
  for (const [does, { make, caughtBy }] of Object.entries(bad)) {
    test(`catch one that ${does}`, async () => {
      expect(await failuresOf(make)).toContain(`secret cache: ${caughtBy}`)
    })
  }

  test('are each broken by one of these', () => {
    const rules: string[] = []
    testSecretCache({ test: (rule) => rules.push(rule), createHarness: async () => harness() })
    const covered = new Set(Object.values(bad).map(({ caughtBy }) => `secret cache: ${caughtBy}`))
    expect(rules.filter((rule) => !covered.has(rule))).toEqual([])
  })
})

function harness(make: Spoil = () => ({})): SecretCacheHarness {
  const state: { fault: SharedCacheFault | undefined } = { fault: undefined }
  const level = new Set<string>()
  const plan = (): SharedCacheFault | undefined => state.fault
  const cache = memorySharedCache({ plan })
  const another = cache.anotherProcess({ plan })
  const breakLevel = async (): Promise<() => Promise<void>> => {
    state.fault = 'fail'
    return async () => void (state.fault = undefined)
  }
  return { cache: { ...cache, ...make(cache, level) }, another: { ...another, ...make(another, level) }, breakLevel, close: async () => {} }
}

async function failuresOf(make: Spoil): Promise<readonly string[]> {
  const failed: string[] = []
  const proofs: Promise<void>[] = []
  const collect = (rule: string, prove: () => Promise<void>): void => void proofs.push(prove().catch(() => void failed.push(rule)))
  testSecretCache({ test: collect, createHarness: async () => harness(make) })
  await Promise.all(proofs)
  return failed
}
