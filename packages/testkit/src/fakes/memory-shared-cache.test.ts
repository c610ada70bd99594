import type { SharedCache, SharedFormers, SharedKey, SharedUsage, UsageMark } from '@finchat/secrets-core'
import { describe, expect, test } from 'vitest'
import { memorySharedCache, testSecretCache, type SharedCacheFault, type SecretCacheHarness } from '../index.ts'

const key = { sharedAs: 'store', path: 'api_key' }
const context = { signal: new AbortController().signal }

describe('the shared cache in memory keeps the contract', () => {
  testSecretCache({ test, createHarness: async () => harness() })
})

describe('the shared cache in memory', () => {
  test('counts its calls, by method and in total', async () => {
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

  test('hangs by plan until the signal is aborted', async () => {
    const cache = memorySharedCache({ plan: (call) => (call === 'read' ? 'hang' : undefined) })
    const controller = new AbortController()
    const read = cache.read(key, { signal: controller.signal })
    controller.abort()
    await expect(read).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(cache.invalidate(key, context)).resolves.toBeUndefined()
  })

  test('throws a foreign error by plan', async () => {
    await expect(memorySharedCache({ plan: () => 'throw' }).read(key, context)).rejects.toThrow(TypeError)
  })

  test('gets no announcement of its own invalidations', async () => {
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
  if ('leaseToken' in answer) await cache.fill(at, answer.leaseToken, { secret: { value: 'v1' }, until: Date.now() + 60_000 }, context)
}

/** Makes a bad cache of a good one, with what the processes of one cache share. */
type Spoil = (good: SharedCache, shared: Set<string>) => Partial<SharedCache>

function spoilUsage(spoil: (good: SharedUsage, shared: Set<string>) => Partial<SharedUsage>): Spoil {
  return ({ usage }, shared) => (usage === undefined ? {} : { usage: { ...usage, ...spoil(usage, shared) } })
}

const badUsage: Readonly<Record<string, { readonly caughtBy: string; readonly make: Spoil }>> = {
  'forgets who uses a secret': {
    caughtBy: 'usage marks: a mark is read as it was made, by every process',
    make: spoilUsage((good) => ({ register: (at, mark, ...rest) => good.register(at, { ...mark, actor: undefined }, ...rest) })),
  },
  'takes a late mark for the latest': {
    caughtBy: 'usage marks: a later mark replaces that of its process, and no other',
    make: spoilUsage((good, shared) => ({
      register: async (at, mark, ...rest) => {
        for (let n = 0; n < mark.count; n += 1) shared.add(`${shared.size}`)
        await good.register(at, { ...mark, count: shared.size }, ...rest)
      },
    })),
  },
  'loses a mark that is made beside another one': {
    caughtBy: 'usage marks: of many made at once, none is lost',
    make: spoilUsage((good) => {
      let last: UsageMark | undefined
      return {
        register: async (at, mark, ...rest) => {
          last = mark
          await Promise.resolve()
          if (last === mark) await good.register(at, mark, ...rest)
        },
      }
    }),
  },
  'keeps those that left': {
    caughtBy: 'usage marks: a process that uses nothing any more is gone',
    make: spoilUsage((good) => ({
      register: async (at, mark, ...rest) => void (mark.uses.length > 0 && (await good.register(at, mark, ...rest))),
    })),
  },
  'keeps one list of marks for a store': {
    caughtBy: 'usage marks: they belong to their store and path only',
    make: spoilUsage((good) => ({
      register: (at, ...rest) => good.register({ ...at, path: '' }, ...rest),
      read: (at, ...rest) => good.read({ ...at, path: '' }, ...rest),
      seen: (at, ...rest) => good.seen({ ...at, path: '' }, ...rest),
      excuse: (at, ...rest) => good.excuse({ ...at, path: '' }, ...rest),
    })),
  },
  'drops marks at an invalidation': {
    caughtBy: 'usage marks: an invalidation of the path keeps them: a rotation invalidates too',
    make: (good, shared) => ({
      invalidate: async (at, ...rest) => {
        shared.add(at.path)
        await good.invalidate(at, ...rest)
      },
      ...spoilUsage(({ read }) => ({ read: async (at, ...rest) => (shared.has(at.path) ? undefined : read(at, ...rest)) }))(good, shared),
    }),
  },
  'says that marks were always complete': {
    caughtBy: 'usage marks: they are complete since the first, and stay so',
    make: spoilUsage((good) => ({
      read: async (...args) => {
        const found = await good.read(...args)
        return found && { ...found, completeSince: 0 }
      },
    })),
  },
  'never tells that a mark was lost': {
    caughtBy: 'usage marks: a process learns whether its mark is still there',
    make: spoilUsage(() => ({ seen: async () => true })),
  },
  'excuses nobody': {
    caughtBy: 'usage marks: an excused process is so until its next mark',
    make: spoilUsage(() => ({ excuse: async () => {} })),
  },
  'excuses the mark of a process that has another by now': {
    caughtBy: 'usage marks: a later mark than the one to excuse counts',
    make: spoilUsage((good) => ({
      excuse: (at, marks, ...rest) =>
        good.excuse(
          at,
          marks.map(({ process }) => ({ process, count: Infinity })),
          ...rest,
        ),
    })),
  },
  'acknowledges a mark that it cannot keep': {
    caughtBy: 'usage marks: calls reject while the store is down',
    make: spoilUsage((good) => ({ register: (...args) => good.register(...args).catch(() => {}) })),
  },
}

const outageRule = 'an outage mark holds back readers that can wait, for that version alone, and hides no answer'

/** Each breaks one rule on purpose. */
const bad: Readonly<Record<string, { readonly caughtBy: string; readonly make: Spoil }>> = {
  'ignores the version of a key': {
    caughtBy: 'an entry belongs to its store, path and version only',
    make: (good) => ({
      read: (at, ...rest) => good.read(withoutVersion(at), ...rest),
      fill: (at, ...rest) => good.fill(withoutVersion(at), ...rest),
    }),
  },
  'holds nothing': { caughtBy: 'a filled entry is an exact hit for every process', make: () => ({ fill: async () => {} }) },
  'returns what was never filled': {
    caughtBy: 'a miss has a lease token',
    make: () => ({ read: async () => ({ hit: { value: '' }, until: Number.MAX_SAFE_INTEGER }) }),
  },
  'never expires an entry': {
    caughtBy: 'an expired entry is not returned',
    make: (good) => ({
      fill: (at, leaseToken, entry, ...rest) => good.fill(at, leaseToken, entry && { ...entry, until: Number.MAX_SAFE_INTEGER }, ...rest),
    }),
  },
  'makes every entry look new': {
    caughtBy: '`askedAt` of a hit is that of the fill, if the cache has it',
    make: (good) => ({
      read: async (...args) => {
        const answer = await good.read(...args)
        return 'hit' in answer ? { ...answer, askedAt: Date.now() } : answer
      },
    }),
  },
  'ignores `notBefore`': {
    caughtBy: 'an answer to a request before `notBefore` is a gap, if the cache has `askedAt`',
    make: (good) => ({ read: (at, call) => good.read(at, { ...call, notBefore: undefined }) }),
  },
  'tells of no invalidation': {
    caughtBy: 'hits and gaps tell when the path was last invalidated, if the cache knows that',
    make: (good) => ({ read: async (...args) => ({ ...(await good.read(...args)), invalidatedAt: 0 }) }),
  },
  'tells no least version': {
    caughtBy: 'hits and gaps tell when the path was last invalidated, if the cache knows that',
    make: (good) => ({ read: async (...args) => ({ ...(await good.read(...args)), leastVersion: 0 }) }),
  },
  'lets a recheck wait for another process': {
    caughtBy: 'a recheck of a gap waits for no other process',
    make: (good, shared) => ({
      read: async (at, call) => {
        const answer = await good.read(at, call)
        if (!call.isRecheck) shared.add(at.path)
        return call.isRecheck && shared.has(at.path) ? new Promise(() => {}) : answer
      },
    }),
  },
  'forgets an outage': {
    caughtBy: outageRule,
    make: () => ({ markOutage: async () => {} }),
  },
  'marks every gap': {
    caughtBy: outageRule,
    make: (good) => ({
      read: async (at, call) => {
        const answer = await good.read(at, call)
        return 'leaseToken' in answer && call.canWait ? { ...answer, wait: true } : answer
      },
    }),
  },
  'holds back every reader': {
    caughtBy: outageRule,
    make: (good) => ({ read: (at, call) => good.read(at, { ...call, canWait: true }) }),
  },
  'accepts an invalid lease token': {
    caughtBy: 'an expired fill, or one with an invalid lease token, changes nothing',
    make: (good) => ({
      fill: (at, leaseToken, ...rest) => good.fill(at, 'generation' in leaseToken ? leaseToken : { generation: 0 }, ...rest),
    }),
  },
  'ignores an abort': {
    caughtBy: 'an aborted read ends',
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
  'serves answers of a lagging replica': {
    caughtBy: 'a version below the least version is not served as the current one',
    make: (good) => ({ invalidate: ({ sharedAs, path }, ...rest) => good.invalidate({ sharedAs, path }, ...rest) }),
  },
  'removes the least version at an invalidation without one': {
    caughtBy: 'an invalidation without a version keeps the least version',
    make: (good) => ({ invalidate: ({ leastVersion = 0, ...at }, ...rest) => good.invalidate({ ...at, leastVersion }, ...rest) }),
  },
  'never removes the least version': {
    caughtBy: 'an invalidation with version 0 removes the least version',
    make: (good) => ({
      invalidate: ({ leastVersion, ...at }, ...rest) => good.invalidate({ ...at, leastVersion: leastVersion || undefined }, ...rest),
    }),
  },
  'fills with any lease token': {
    caughtBy: 'a fill with a lease token from before an invalidation changes nothing',
    make: (good) => ({
      fill: async (at, _leaseToken, ...rest) => {
        const answer = await good.read(at, context)
        if ('leaseToken' in answer) await good.fill(at, answer.leaseToken, ...rest)
      },
    }),
  },
  'waits for a fill that will not come': {
    caughtBy: 'a fill without an answer lets other processes ask',
    make: (good, shared) => ({
      read: (at, ...rest) => (shared.has(at.path) ? new Promise(() => {}) : good.read(at, ...rest)),
      fill: async (at, leaseToken, entry, ...rest) =>
        void (entry === undefined ? shared.add(at.path) : await good.fill(at, leaseToken, entry, ...rest)),
    }),
  },
  'returns its own bytes': {
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
  'rejects a read when its server fails': {
    caughtBy: 'while the store is down reads are misses, fills are lost, and invalidations reject',
    make: (good) => ({
      read: async (...args) => {
        const answer = await good.read(...args)
        if ('leaseToken' in answer && answer.leaseToken['generation'] === -1) throw new TypeError('the cache is down')
        return answer
      },
    }),
  },
  'acknowledges an invalidation that failed': {
    caughtBy: 'while the store is down reads are misses, fills are lost, and invalidations reject',
    make: (good) => ({ invalidate: (...args) => good.invalidate(...args).catch(() => {}) }),
  },
  'announces nothing to subscribers': {
    caughtBy: 'a subscriber gets invalidations of other processes, until it unsubscribes',
    make: () => ({ subscribe: () => () => {} }),
  },
  'has one digest for every path': {
    caughtBy: 'former values: digests are equal in every process, and bound to store, path and part',
    make: spoilFormers((good) => ({ digest: (at, value) => good.digest({ ...at, sharedAs: '', path: '', part: '' }, value) })),
  },
  'takes every value for a predecessor': {
    caughtBy: 'former values: the direct predecessor is known to every process, and only that',
    make: spoilFormers(() => ({ matches: async () => true })),
  },
  'knows no former value': {
    caughtBy: 'former values: a value that comes back has the one between as predecessor',
    make: spoilFormers(() => ({ matches: async () => false })),
  },
  'counts the grace from when it was told': {
    caughtBy: 'former values: a value is accepted until its grace ends, counted from when the store gave it',
    make: spoilFormers((good) => ({ saw: (at, digest, _ageMs, ...rest) => good.saw(at, digest, 0, ...rest) })),
  },
  'notes the first sight of a value alone': {
    caughtBy: 'former values: a value that is seen again lasts longer',
    make: spoilFormers((good, shared) => ({
      saw: async (at, digest, ageMs, ...rest) => {
        const id = String(digest)
        // Of several seconds, since a cache may end a value early.
        if (!shared.has(id)) await good.saw(at, digest, ageMs + (ageMs > 0 ? 12_000 : 0), ...rest)
        shared.add(id)
      },
    })),
  },
  'takes a value from memory for the latest one': {
    caughtBy: 'former values: a value from the memory of a process comes back neither after two changes nor after its withdrawal',
    make: spoilFormers((good, shared) => ({
      saw: (at, digest, ageMs, ...rest) => {
        const isKnown = shared.has(String(digest))
        shared.add(String(digest))
        return good.saw(at, digest, isKnown ? 0 : ageMs, ...rest)
      },
    })),
  },
  'lets malformed text match': {
    caughtBy: 'former values: nothing empty, malformed or longer matches, and bytes match as text does',
    make: spoilFormers((good) => ({
      matches: (at, current, candidate, ...rest) => good.matches(at, current, Buffer.from(candidate), ...rest),
    })),
  },
  'ignores withdrawals': {
    caughtBy: 'former values: a value before a withdrawal precedes nothing',
    make: spoilFormers((good) => ({
      saw: async (at, digest, ...rest) => (digest === undefined ? undefined : good.saw(at, digest, ...rest)),
    })),
  },
  'ignores the grace': {
    caughtBy: 'former values: another grace, part, path or store has none of them',
    make: spoilFormers((good) => ({
      saw: (at, ...rest) => good.saw({ ...at, graceMs: 60_000 }, ...rest),
      matches: (at, ...rest) => good.matches({ ...at, graceMs: 60_000 }, ...rest),
    })),
  },
  'drops former values at an invalidation': {
    caughtBy: 'former values: an invalidation of the path keeps them: a rotation invalidates too',
    make: (good, shared) => ({
      invalidate: async (at, ...rest) => {
        shared.add(at.path)
        await good.invalidate(at, ...rest)
      },
      ...spoilFormers((formers) => ({ matches: async (at, ...rest) => !shared.has(at.path) && formers.matches(at, ...rest) }))(
        good,
        shared,
      ),
    }),
  },
  'hides that it cannot note a value': {
    caughtBy: 'former values: calls reject while the store is down',
    make: spoilFormers((good) => ({ saw: (...args) => good.saw(...args).catch(() => {}) })),
  },
  ...badUsage,
  'cannot be closed twice': {
    caughtBy: '`close` may be called twice',
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

function spoilFormers(spoil: (good: SharedFormers, shared: Set<string>) => Partial<SharedFormers>): Spoil {
  return ({ formers }, shared) => (formers === undefined ? {} : { formers: { ...formers, ...spoil(formers, shared) } })
}

describe('the rules of shared caches', () => {
  for (const [does, { make, caughtBy }] of Object.entries(bad)) {
    test(`catch a cache that ${does}`, async () => {
      expect(await failuresOf(make)).toContain(`secret cache: ${caughtBy}`)
    })
  }

  test('are each broken by one of these caches', () => {
    const rules: string[] = []
    testSecretCache({ test: (rule) => rules.push(rule), createHarness: async () => harness() })
    const covered = new Set(Object.values(bad).map(({ caughtBy }) => `secret cache: ${caughtBy}`))
    expect(rules.filter((rule) => !covered.has(rule))).toEqual([])
  })
})

function harness(make: Spoil = () => ({})): SecretCacheHarness {
  const state: { fault: SharedCacheFault | undefined } = { fault: undefined }
  const shared = new Set<string>()
  const plan = (): SharedCacheFault | undefined => state.fault
  const cache = memorySharedCache({ plan })
  const another = cache.anotherProcess({ plan })
  const breakCache = async (): Promise<() => Promise<void>> => {
    state.fault = 'fail'
    return async () => void (state.fault = undefined)
  }
  return {
    cache: { ...cache, ...make(cache, shared) },
    another: { ...another, ...make(another, shared) },
    breakCache,
    close: async () => {},
  }
}

async function failuresOf(make: Spoil): Promise<readonly string[]> {
  const failed: string[] = []
  const proofs: Promise<void>[] = []
  const collect = (rule: string, prove: () => Promise<void>): void => void proofs.push(prove().catch(() => void failed.push(rule)))
  testSecretCache({ test: collect, createHarness: async () => harness(make) })
  await Promise.all(proofs)
  return failed
}
