import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LeaseToken, SharedCache, SharedChanges, SharedKey, StoredSecret } from '@finchat/secrets-core'
import type { TestFunction } from './provider/harness.ts'
import type { CacheRule, CacheTrial, SecretCacheHarness } from './cache-trial.ts'
import { formerRules } from './former-rules.ts'
import { canary, rejects, within } from './provider/trial.ts'
import { usageRules } from './usage-rules.ts'

/** Options of `testSecretCache`. */
export interface SecretCacheSuiteOptions {
  readonly test: TestFunction
  readonly createHarness: () => Promise<SecretCacheHarness>
}

/**
 * Proves that a shared cache keeps the contract of `@finchat/secrets-core`: registers one test for each rule with the
 * runner's `test`.
 *
 * @example
 * import { test } from 'node:test'
 * import { memorySharedCache, testSecretCache } from '@finchat/secrets-testkit'
 *
 * testSecretCache({
 *   test,
 *   createHarness: async () => {
 *     let broken = false
 *     const plan = () => (broken ? 'fail' : undefined)
 *     const cache = memorySharedCache({ plan })
 *     const breakCache = async () => {
 *       broken = true
 *       return async () => void (broken = false)
 *     }
 *     return { cache, another: cache.anotherProcess({ plan }), breakCache, close: async () => {} }
 *   },
 * })
 */
export function testSecretCache({ test, createHarness }: SecretCacheSuiteOptions): void {
  for (const [rule, prove] of Object.entries(rules)) void test(`secret cache: ${rule}`, () => proveOver(createHarness, prove))
}

async function proveOver(createHarness: () => Promise<SecretCacheHarness>, prove: CacheRule): Promise<void> {
  const harness = await createHarness()
  const context = { signal: new AbortController().signal }
  try {
    await prove({ ...harness, context })
  } finally {
    for (const cache of [harness.cache, harness.another]) await cache.close?.(context)
    await harness.close()
  }
}

const key: SharedKey = { sharedAs: 'store', path: 'suite/secret' }

const path = { sharedAs: key.sharedAs, path: key.path }

const timeoutMs = 5_000

const rules: Readonly<Record<string, CacheRule>> = {
  'a filled entry is an exact hit for every process': async (trial) => {
    for (const [n, secret] of secrets.entries()) {
      const at = { ...key, path: `suite/${n}` }
      const until = await fill(trial, at, secret)
      for (const cache of [trial.cache, trial.another]) {
        const answer = await cache.read(at, trial.context)
        assert.ok('hit' in answer, 'a filled entry is a miss')
        assert.deepEqual({ hit: answer.hit, until: answer.until }, { hit: secret, until })
      }
    }
  },
  '`askedAt` of a hit is that of the fill, if the cache has it': async (trial) => {
    const askedAt = Date.now() - 5_000
    await fillWith(trial, await leaseTokenOf(trial), { secret: { value: canary }, until: Date.now() + 60_000, askedAt })
    const answer = await trial.another.read(key, trial.context)
    assert.ok('hit' in answer && (answer.askedAt === undefined || answer.askedAt === askedAt), '`askedAt` differs from that of the fill')
  },
  'an answer to a request before `notBefore` is a gap, if the cache has `askedAt`': async (trial) => {
    const [askedAt, until] = [Date.now() - 5_000, Date.now() + 60_000]
    await fillWith(trial, await leaseTokenOf(trial), { secret: { value: canary }, until, askedAt })
    const seen = await trial.another.read(key, { ...trial.context, notBefore: askedAt })
    assert.ok('hit' in seen, 'an answer from `notBefore` on is a gap')
    if (seen.askedAt !== undefined) assert.ok('leaseToken' in (await trial.another.read(key, { ...trial.context, notBefore: askedAt + 1 })))
  },
  'a miss has a lease token': async ({ cache, context }) => {
    assert.ok('leaseToken' in (await cache.read(key, context)))
  },
  'an entry belongs to its store, path and version only': async (trial) => {
    const near: readonly SharedKey[] = [
      { ...key, sharedAs: 'store:suite' },
      { ...key, path: 'suite' },
      { ...key, version: 1 },
      { ...key, version: 'previous' },
      { sharedAs: 'store:suite', path: 'secret' },
      { sharedAs: 'store', path: 'suite:secret' },
      { sharedAs: 'store/suite', path: 'secret' },
    ]
    await fill(trial, key, { value: canary })
    for (const other of near)
      assert.ok('leaseToken' in (await trial.cache.read(other, trial.context)), `${JSON.stringify(other)} is another key`)
  },
  'an expired entry is not returned': async (trial) => {
    const { context, cache } = trial
    await fillWith(trial, await leaseTokenOf(trial), { secret: { value: canary }, until: Date.now() + 40 })
    await sleep(60)
    assert.ok('leaseToken' in (await cache.read(key, context)))
  },
  'an invalidation drops every version of the path, for every process, and no other path': async (trial) => {
    const { cache, another, context } = trial
    const versions = [key, { ...key, version: 1 }, { ...key, version: 'previous' as const }]
    for (const one of versions) await fill(trial, one, { value: canary })
    await fill(trial, { ...key, path: 'suite/other' }, { value: 'other' })
    await another.invalidate(path, context)
    for (const one of versions) assert.ok('leaseToken' in (await cache.read(one, context)))
    assert.ok('hit' in (await cache.read({ ...key, path: 'suite/other' }, context)))
  },
  'a fill with a lease token from before an invalidation changes nothing': async (trial) => {
    const { cache, another, context } = trial
    const leaseToken = await leaseTokenOf(trial)
    await another.invalidate(path, context)
    await fillWith(trial, leaseToken, { secret: { value: 'old' }, until: Date.now() + 60_000 })
    assert.ok('leaseToken' in (await cache.read(key, context)))
    await fill(trial, key, { value: 'new' })
    await fillWith(trial, leaseToken, { secret: { value: 'old' }, until: Date.now() + 60_000 })
    const answer = await cache.read(key, context)
    assert.equal('hit' in answer && answer.hit.value, 'new')
  },
  'an expired fill, or one with an invalid lease token, changes nothing': async (trial) => {
    await fillWith(trial, await leaseTokenOf(trial), { secret: { value: canary }, until: Date.now() - 1 })
    await fillWith(trial, {}, { secret: { value: canary }, until: Date.now() + 60_000 })
    await fillWith(trial, { generation: 'nonsense', lease: 7 }, { secret: { value: canary }, until: Date.now() + 60_000 })
    assert.ok('leaseToken' in (await trial.cache.read(key, trial.context)))
  },
  'a version below the least version is not served as the current one': async (trial) => {
    const { another, context } = trial
    await another.invalidate({ ...path, leastVersion: 3 }, context)
    await another.invalidate({ ...path, leastVersion: 2 }, context)
    await assertLeastIs3(trial)
  },
  'an invalidation without a version keeps the least version': async (trial) => {
    const { another, context } = trial
    await another.invalidate({ ...path, leastVersion: 3 }, context)
    await another.invalidate(path, context)
    await assertLeastIs3(trial)
  },
  'an invalidation with version 0 removes the least version': async (trial) => {
    const { another, context } = trial
    await another.invalidate({ ...path, leastVersion: 3 }, context)
    await another.invalidate({ ...path, leastVersion: 0 }, context)
    await fill(trial, key, { value: 'new', version: 1 })
    assert.ok('hit' in (await trial.cache.read(key, context)), 'the least version was not removed')
  },
  'hits and gaps tell when the path was last invalidated, if the cache knows that': async (trial) => {
    const first = await changesIn(trial)
    if (first.invalidatedAt === undefined) return
    await trial.another.invalidate(path, trial.context)
    const second = await changesIn(trial)
    assert.ok(second.invalidatedAt !== undefined && second.invalidatedAt > first.invalidatedAt, 'an invalidation is not told')
    await fill(trial, key, { value: canary })
    assert.deepEqual(await changesIn(trial), second, 'a fill changes what is told')
    await trial.cache.invalidate({ ...path, leastVersion: 3 }, trial.context)
    const third = await changesIn(trial)
    assert.ok((third.invalidatedAt ?? 0) > second.invalidatedAt, 'a second invalidation is not told')
    assert.equal(third.leastVersion, 3, 'the least version is not told')
  },
  'a recheck of a gap waits for no other process': async ({ cache, another, context }) => {
    await another.read(key, context) // it may hold the fill lease
    const rechecking = cache.read(key, { ...context, isRecheck: true })
    assert.ok('leaseToken' in (await within(1000, rechecking, 'a recheck waits for another process')))
  },
  'an outage mark holds back readers that can wait, for that version alone, and hides no answer': async (trial) => {
    const { cache, another, context } = trial
    if (cache.markOutage === undefined) return // optional in the contract: each process finds out by itself
    await cache.markOutage(key, await leaseTokenOf(trial), context)
    assert.equal(await waitIn(another, key, trial), true, 'a reader that can wait does not learn of an outage')
    assert.equal(await waitIn(another, { ...key, version: 1 }, trial), undefined, 'the outage of one version marks another')
    const without = await within(timeoutMs, another.read(key, context), 'a reader without a value hangs')
    assert.ok('leaseToken' in without && without.wait === undefined, 'a reader without a value is held back')
    await fillWith({ ...trial, cache: another }, without.leaseToken, { secret: { value: canary }, until: Date.now() + 60_000 })
    const answer = await cache.read(key, { ...context, canWait: true })
    assert.ok('hit' in answer, 'an outage mark hides an answer')
  },
  'an aborted read ends': async ({ cache, another, context }) => {
    await another.read(key, context) // it may hold the fill lease
    const controller = new AbortController()
    const reading = cache.read(key, { signal: controller.signal })
    controller.abort()
    await within(1000, Promise.allSettled([reading]), 'an aborted read does not end')
  },
  'a fill without an answer lets other processes ask': async (trial) => {
    const { another, context } = trial
    await fillWith(trial, await leaseTokenOf(trial), undefined)
    assert.ok('leaseToken' in (await within(timeoutMs, another.read(key, context), 'a read waits for a fill that will not come')))
  },
  'bytes are copied in and out': async (trial) => {
    const value = Uint8Array.of(1, 2, 3)
    await fill(trial, key, { value })
    value.fill(0)
    for (let times = 0; times < 2; times += 1) {
      const answer = await trial.cache.read(key, trial.context)
      assert.ok('hit' in answer && answer.hit.value instanceof Uint8Array)
      assert.deepEqual([...answer.hit.value], [1, 2, 3])
      answer.hit.value.fill(0)
    }
  },
  'while the store is down reads are misses, fills are lost, and invalidations reject': async (trial) => {
    const { cache, breakCache, context } = trial
    await fill(trial, key, { value: canary })
    const repair = await breakCache()
    try {
      const answer = await within(timeoutMs, cache.read(key, context), 'a read hangs')
      assert.ok('leaseToken' in answer, 'a failing cache answers')
      await within(timeoutMs, fillWith(trial, answer.leaseToken, { secret: { value: 'lost' }, until: Date.now() + 60_000 }), 'a fill hangs')
      await within(timeoutMs, rejects(cache.invalidate(path, context)), 'an invalidation hangs')
    } finally {
      await repair()
    }
  },
  'a subscriber gets invalidations of other processes, until it unsubscribes': async ({ cache, another, context }) => {
    const heard: unknown[] = []
    const end = cache.subscribe?.((one) => void heard.push(one))
    if (end === undefined) return // optional in the contract: memory rechecks instead
    for (let waitedMs = 0; waitedMs < timeoutMs && heard.length === 0; waitedMs += 10) {
      // A subscription may begin late.
      if (waitedMs % 1_000 === 0) await another.invalidate(path, context)
      await sleep(10)
    }
    assert.deepEqual(heard[0], path)
    end()
    const { length } = heard
    await another.invalidate(path, context)
    await sleep(20)
    assert.equal(heard.length, length)
  },
  ...formerRules(),
  ...usageRules(),
  '`close` may be called twice': async ({ cache, context }) => {
    for (let times = 0; times < 2; times += 1) await within(timeoutMs, cache.close?.(context) ?? Promise.resolve(), '`close` hangs')
  },
}

const secrets: readonly StoredSecret[] = [
  { value: '' },
  { value: `${canary}\n пароль \0 {"a": 1}` },
  { value: Uint8Array.of(0, 255, 128) },
  { value: '{"user":"a"}', shape: 'map', version: 3, revision: 'r3', currentSince: 1_700_000_000_000, expiresAt: 4_000_000_000_000 },
]

/** Fills a miss for a minute. Returns its expiry. */
async function fill(trial: CacheTrial, at: SharedKey, secret: StoredSecret): Promise<number> {
  const until = Date.now() + 60_000
  await fillWith(trial, await leaseTokenOf(trial, at), { secret, until }, at)
  return until
}

/** Version 2, as of a lagging replica, is not served; version 3 is. */
async function assertLeastIs3(trial: CacheTrial): Promise<void> {
  const { cache, another, context } = trial
  await fill(trial, key, { value: 'old', version: 2 })
  const answer = await another.read(key, context)
  assert.ok('leaseToken' in answer, 'a version below the least version is served as the current one')
  const current = { secret: { value: 'current', version: 3 }, until: Date.now() + 60_000 }
  await fillWith({ ...trial, cache: another }, answer.leaseToken, current)
  assert.ok('hit' in (await cache.read(key, context)), 'the least version itself is not served')
}

function fillWith(
  { cache, context }: CacheTrial,
  leaseToken: LeaseToken,
  entry: Parameters<SharedCache['fill']>[2],
  at: SharedKey = key,
): Promise<void> {
  return cache.fill(at, leaseToken, entry, context)
}

/** What a reader is told that can wait. */
async function waitIn(cache: SharedCache, at: SharedKey, { context }: CacheTrial): Promise<unknown> {
  const answer = await within(timeoutMs, cache.read(at, { ...context, canWait: true }), 'a reader that can wait hangs')
  return 'wait' in answer ? answer.wait : undefined
}

/** What a recheck tells of the path's changes. */
async function changesIn({ cache, context }: CacheTrial): Promise<SharedChanges> {
  const reading = cache.read(key, { ...context, isRecheck: true })
  const { invalidatedAt, leastVersion } = await within(timeoutMs, reading, 'a recheck hangs')
  return { invalidatedAt, leastVersion }
}

async function leaseTokenOf({ cache, context }: CacheTrial, at: SharedKey = key): Promise<LeaseToken> {
  const answer = await cache.read(at, context)
  assert.ok('leaseToken' in answer, 'the read must be a miss')
  return answer.leaseToken
}
