import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CallContext, FillTicket, SharedCache, SharedKey, StoredSecret } from '@finchat/secrets-core'
import type { Repair, TestFunction } from './provider/harness.ts'
import { canary, rejects, within } from './provider/trial.ts'

/** One shared cache over one fresh, empty level, as two processes see it. */
export interface SecretCacheHarness {
  readonly cache: SharedCache
  /** Another process's cache over the same level. */
  readonly another: SharedCache
  /** Makes the level fail for both, and returns what repairs it. */
  readonly breakLevel: () => Promise<Repair>
  /** Ends the level; the suite has closed both caches. */
  readonly close: () => Promise<void>
}

export interface SecretCacheSuiteOptions {
  readonly test: TestFunction
  readonly createHarness: () => Promise<SecretCacheHarness>
}

interface Trial extends SecretCacheHarness {
  readonly context: CallContext
}

type Rule = (trial: Trial) => Promise<void>

/**
 * Proves that a shared cache keeps the contract of `@finchat/secrets-core`: registers one test for each rule with the runner's own `test`.
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
 *     const breakLevel = async () => {
 *       broken = true
 *       return async () => void (broken = false)
 *     }
 *     return { cache, another: cache.anotherProcess({ plan }), breakLevel, close: async () => {} }
 *   },
 * })
 */
export function testSecretCache({ test, createHarness }: SecretCacheSuiteOptions): void {
  for (const [rule, prove] of Object.entries(rules)) void test(`secret cache: ${rule}`, () => proveOver(createHarness, prove))
}

async function proveOver(createHarness: () => Promise<SecretCacheHarness>, prove: Rule): Promise<void> {
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

/** Long enough for a loaded machine, in milliseconds. */
const patienceMs = 5_000

const rules: Readonly<Record<string, Rule>> = {
  'what was filled is a hit, for every process, exactly': async (trial) => {
    for (const [n, secret] of secrets.entries()) {
      const at = { ...key, path: `suite/${n}` }
      const until = await fill(trial, at, secret)
      for (const cache of [trial.cache, trial.another]) {
        const answer = await cache.read(at, trial.context)
        assert.ok('hit' in answer, 'what was filled is a gap')
        assert.deepEqual({ hit: answer.hit, until: answer.until }, { hit: secret, until })
      }
    }
  },
  'an entry is as old as its store was asked for it, if the cache tells an age': async (trial) => {
    const askedAt = Date.now() - 5_000
    await fillWith(trial, await ticketOf(trial), { secret: { value: canary }, until: Date.now() + 60_000, askedAt })
    const answer = await trial.another.read(key, trial.context)
    assert.ok('hit' in answer && (answer.askedAt === undefined || answer.askedAt === askedAt), 'an entry looks younger or older than it is')
  },
  'what was not filled is a ticket': async ({ cache, context }) => {
    assert.ok('ticket' in (await cache.read(key, context)))
  },
  'an entry is of its own store, path and version only': async (trial) => {
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
      assert.ok('ticket' in (await trial.cache.read(other, trial.context)), `${JSON.stringify(other)} is another key`)
  },
  'an entry is not answered after its time': async (trial) => {
    const { context, cache } = trial
    await fillWith(trial, await ticketOf(trial), { secret: { value: canary }, until: Date.now() + 40 })
    await sleep(60)
    assert.ok('ticket' in (await cache.read(key, context)))
  },
  'an invalidation drops every version of the path, for every process, and no other path': async (trial) => {
    const { cache, another, context } = trial
    const versions = [key, { ...key, version: 1 }, { ...key, version: 'previous' as const }]
    for (const one of versions) await fill(trial, one, { value: canary })
    await fill(trial, { ...key, path: 'suite/other' }, { value: 'other' })
    await another.invalidate(path, context)
    for (const one of versions) assert.ok('ticket' in (await cache.read(one, context)))
    assert.ok('hit' in (await cache.read({ ...key, path: 'suite/other' }, context)))
  },
  'a fill with a ticket from before an invalidation changes nothing': async (trial) => {
    const { cache, another, context } = trial
    const ticket = await ticketOf(trial)
    await another.invalidate(path, context)
    await fillWith(trial, ticket, { secret: { value: 'old' }, until: Date.now() + 60_000 })
    assert.ok('ticket' in (await cache.read(key, context)))
    await fill(trial, key, { value: 'new' })
    await fillWith(trial, ticket, { secret: { value: 'old' }, until: Date.now() + 60_000 })
    const answer = await cache.read(key, context)
    assert.equal('hit' in answer && answer.hit.value, 'new')
  },
  'a fill whose time is over, or with a ticket that the cache never gave, changes nothing': async (trial) => {
    await fillWith(trial, await ticketOf(trial), { secret: { value: canary }, until: Date.now() - 1 })
    await fillWith(trial, {}, { secret: { value: canary }, until: Date.now() + 60_000 })
    await fillWith(trial, { generation: 'nonsense', turn: 7 }, { secret: { value: canary }, until: Date.now() + 60_000 })
    assert.ok('ticket' in (await trial.cache.read(key, trial.context)))
  },
  'a version below the least that was told is not served as the current one': async (trial) => {
    const { another, context } = trial
    await another.invalidate({ ...path, leastVersion: 3 }, context)
    await another.invalidate({ ...path, leastVersion: 2 }, context)
    await assertLeastIs3(trial)
  },
  'an invalidation that knows no version keeps the least that was told': async (trial) => {
    const { another, context } = trial
    await another.invalidate({ ...path, leastVersion: 3 }, context)
    await another.invalidate(path, context)
    await assertLeastIs3(trial)
  },
  'an invalidation to the least version 0 lets any version be current again': async (trial) => {
    const { another, context } = trial
    await another.invalidate({ ...path, leastVersion: 3 }, context)
    await another.invalidate({ ...path, leastVersion: 0 }, context)
    await fill(trial, key, { value: 'begun anew', version: 1 })
    assert.ok('hit' in (await trial.cache.read(key, context)), 'the least version was not lifted')
  },
  'a read that is aborted ends': async ({ cache, another, context }) => {
    await another.read(key, context) // whose turn it may be to ask
    const controller = new AbortController()
    const reading = cache.read(key, { signal: controller.signal })
    controller.abort()
    await within(1000, Promise.allSettled([reading]), 'an aborted read goes on')
  },
  'a fill with no answer lets others ask': async (trial) => {
    const { another, context } = trial
    await fillWith(trial, await ticketOf(trial), undefined)
    assert.ok('ticket' in (await within(patienceMs, another.read(key, context), 'a read waits for a fill that will not come')))
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
  'a level that fails is a miss and a lost fill, and an invalidation that rejects': async (trial) => {
    const { cache, breakLevel, context } = trial
    await fill(trial, key, { value: canary })
    const repair = await breakLevel()
    try {
      const answer = await within(patienceMs, cache.read(key, context), 'a read hangs')
      assert.ok('ticket' in answer, 'a failing level answers')
      await within(patienceMs, fillWith(trial, answer.ticket, { secret: { value: 'lost' }, until: Date.now() + 60_000 }), 'a fill hangs')
      await within(patienceMs, rejects(cache.invalidate(path, context)), 'an invalidation hangs')
    } finally {
      await repair()
    }
  },
  'a subscriber hears of what other processes invalidate, until it ends': async ({ cache, another, context }) => {
    const heard: unknown[] = []
    const end = cache.subscribe?.((one) => void heard.push(one))
    if (end === undefined) return // the contract's own option: such a level is polled
    for (let waitedMs = 0; waitedMs < patienceMs && heard.length === 0; waitedMs += 10) {
      // A subscription may take a moment to begin.
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
  'it may be closed twice': async ({ cache, context }) => {
    for (let times = 0; times < 2; times += 1) await within(patienceMs, cache.close?.(context) ?? Promise.resolve(), '`close` hangs')
  },
}

const secrets: readonly StoredSecret[] = [
  { value: '' },
  { value: `${canary}\n пароль \0 {"a": 1}` },
  { value: Uint8Array.of(0, 255, 128) },
  { value: '{"user":"a"}', shape: 'map', version: 3, revision: 'r3', currentSince: 1_700_000_000_000, expiresAt: 4_000_000_000_000 },
]

/** Fills the gap at the key for a minute; returns the time until when. */
async function fill(trial: Trial, at: SharedKey, secret: StoredSecret): Promise<number> {
  const until = Date.now() + 60_000
  await fillWith(trial, await ticketOf(trial, at), { secret, until }, at)
  return until
}

/** A replica that lags behind cannot bring version 2 back, and version 3 is shared. */
async function assertLeastIs3(trial: Trial): Promise<void> {
  const { cache, another, context } = trial
  await fill(trial, key, { value: 'old', version: 2 })
  const answer = await another.read(key, context)
  assert.ok('ticket' in answer, 'a version below the least that was told is served as the current one')
  const current = { secret: { value: 'current', version: 3 }, until: Date.now() + 60_000 }
  await fillWith({ ...trial, cache: another }, answer.ticket, current)
  assert.ok('hit' in (await cache.read(key, context)), 'the least version that was told is not served')
}

function fillWith(
  { cache, context }: Trial,
  ticket: FillTicket,
  entry: Parameters<SharedCache['fill']>[2],
  at: SharedKey = key,
): Promise<void> {
  return cache.fill(at, ticket, entry, context)
}

async function ticketOf({ cache, context }: Trial, at: SharedKey = key): Promise<FillTicket> {
  const answer = await cache.read(at, context)
  assert.ok('ticket' in answer, 'there is a gap to fill')
  return answer.ticket
}
