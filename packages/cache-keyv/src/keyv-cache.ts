import {
  type CallContext,
  SecretsError,
  type SharedCache,
  type SharedKey,
  type SharedRead,
  type SharedReadContext,
} from '@finchat/secrets-core'
import { LoadAwareClock, warnOperator } from '@finchat/secrets-core/provider'
import { type CheckedOptions, checkedOptions, type KeyvCacheOptions } from './options.ts'
import { Announcements } from './protocol/announcements.ts'
import { type CacheContext, startFactor } from './protocol/context.ts'
import { fill } from './protocol/fill.ts'
import { invalidate } from './protocol/invalidate.ts'
import { Formers } from './protocol/formers.ts'
import { KeyCheck } from './protocol/key-check.ts'
import { markOutage } from './protocol/outage.ts'
import { read } from './protocol/read.ts'
import { type KeyvCacheStats, Stats, warningCode } from './protocol/stats.ts'
import { usageMarksOf } from './protocol/usage-marks.ts'
import { deriveKeyRing, overwriteKeyRing } from './sealed/key-ring.ts'
import { BoundedStore, startTimeoutOf } from './store/bounded-store.ts'
import { ignoreConnectionErrors } from './store/error-events.ts'
import type { FaultReason } from './store/errors.ts'
import { Lifecycle } from './store/lifecycle.ts'
import { type TextStore, textStoreOf } from './store/text-store.ts'

const callsWhileClosing = 10

/** A shared cache for `createSecretsManager({ cache: { shared } })`. */
export interface KeyvCache extends SharedCache {
  /** Counts since the cache was made. */
  readonly stats: () => KeyvCacheStats
  /** Waits for writes under way. Then the store and the clients may be closed. */
  readonly close: (context?: CallContext) => Promise<void>
}

/**
 * A cache that a fleet shares over a Keyv store: Redis, Valkey, a SQL database. It does not call
 * the store before the first read, and writes only sealed text under hashed names. Throws
 * `CONFIGURATION` for an invalid option, and for a missing key unless the store is in this process.
 *
 * @example
 * import { generateKey, keyvCache } from '@finchat/secrets-cache-keyv'
 * import { createSecretsManager } from '@finchat/secrets-core'
 * import { memoryProvider } from '@finchat/secrets-testkit'
 *
 * const shared = keyvCache({ store: new Map(), namespace: 'payments' }) // in production: Redis, with a key
 * const provider = memoryProvider({ sharedAs: 'store', secrets: { database: 'hunter2' } }) // in production: AWS, Vault
 * const secrets = createSecretsManager({ providers: [provider], cache: { shared } })
 * await secrets.getSecret('database')
 * console.log(shared.stats().leases) // 1
 * await secrets.close()
 */
export function keyvCache(options: KeyvCacheOptions): KeyvCache {
  const checked = checkedOptions(options)
  const texts = textStoreOf(checked.store)
  const parts = partsOf(checked, texts)
  const { cache, announcements, formers, keyCheck } = parts
  const { lifecycle, stats } = cache
  let closing: Promise<void> | undefined
  if (checked.isUnshared) warnOfMap()
  return {
    specificationVersion: 'v1',
    longestReadMs: longestReadMsOf(checked),
    failClosed: checked.failClosed,
    read: (key, context) => readOrPass(parts, key, context),
    // The bounded store counts failures.
    fill: (key, leaseToken, entry) => lifecycle.run(() => fill(cache, key, leaseToken, entry)).catch(() => {}),
    markOutage: (key, leaseToken) => lifecycle.run(() => markOutage(cache, key, leaseToken)).catch(() => {}),
    invalidate: async (path, { signal }) => {
      if (lifecycle.isClosing) throw closedError()
      return lifecycle.track(invalidate(cache, announcements, path, signal))
    },
    formers,
    ...(checked.client !== undefined && { usage: usageMarksOf({ ...cache, client: checked.client }) }),
    ...(checked.subscriber !== undefined && { subscribe: (listener) => announcements.add(listener) }),
    stats: () => ({ ...stats.snapshot, isCoolingDown: cache.store.isCoolingDown, hasOtherKey: keyCheck.hasOtherKey }),
    close: (context) => (closing ??= close(parts, context?.signal)),
  }
}

interface Parts {
  readonly cache: CacheContext
  readonly texts: TextStore
  readonly announcements: Announcements
  readonly formers: Formers
  readonly keyCheck: KeyCheck
  readonly longestCloseMs: number
}

function partsOf({ ring, indexRoot, ...options }: CheckedOptions, texts: TextStore): Parts {
  const { namespace, timeoutMs, coolDownMs, waitMs, client, subscriber } = options
  for (const connection of [client, subscriber]) ignoreConnectionErrors(connection)
  const stats = new Stats(namespace)
  const [clock, lifecycle] = [new LoadAwareClock(), new Lifecycle()]
  const onFailure = (reason: FaultReason): void => (lifecycle.isClosing ? undefined : stats.recordFailure(reason))
  const store = new BoundedStore(texts, { timeoutMs, coolDownMs, clock, onFailure })
  const keys = deriveKeyRing(ring, indexRoot)
  const cache: CacheContext = { ...options, store, clock, lifecycle, keys, stats, leaseMs: Math.max(1, waitMs / 2) }
  const announcements = new Announcements(cache, { subscriber, timeoutMs, onFailure })
  const keyCheck = new KeyCheck(cache)
  return { cache, texts, announcements, formers: new Formers(cache), keyCheck, longestCloseMs: callsWhileClosing * timeoutMs }
}

/** A claim settles for at most a quarter of the wait. Up to ten calls take `timeoutMs` each. */
function longestReadMsOf({ timeoutMs, waitMs, settleMs }: CheckedOptions): number {
  return startTimeoutOf(timeoutMs) + 1.25 * startFactor * waitMs + 10 * (timeoutMs + settleMs)
}

async function readOrPass({ cache, keyCheck }: Parts, key: SharedKey, context: SharedReadContext): Promise<SharedRead> {
  try {
    return await cache.lifecycle.run(async () => {
      const answer = await read(cache, key, context)
      if ('leaseToken' in answer) keyCheck.recordMiss()
      return answer
    })
  } catch {
    cache.stats.count('unavailable')
    return { leaseToken: {}, unavailable: true }
  }
}

async function close({ cache, texts, announcements, formers, longestCloseMs }: Parts, signal: AbortSignal | undefined): Promise<void> {
  announcements.close()
  await cache.lifecycle.close(longestCloseMs, signal)
  cache.store.close()
  texts.close()
  formers.close()
  overwriteKeyRing(cache.keys)
}

function closedError(): SecretsError {
  return new SecretsError('ABORTED', 'the shared cache is closed', { remedy: 'close it after the last use' })
}

function warnOfMap(): void {
  warnOperator(
    "The shared cache of secrets is a map in this process, so no other process shares it. Give an adapter as `store`, such as new KeyvRedis('redis://…'). A Keyv over a connection string is a map too",
    warningCode,
  )
}
