import {
  type CallContext,
  SecretsError,
  type SharedCache,
  type SharedKey,
  type SharedRead,
  type SharedReadContext,
} from '@finchat/secrets-core'
import { Announcements } from './protocol/announcements.ts'
import { deriveCacheKeys, forgetKeys } from './sealed/key-ring.ts'
import { fill } from './protocol/fill.ts'
import { invalidate } from './protocol/invalidate.ts'
import { KeyCheck } from './protocol/key-check.ts'
import { Lifecycle } from './store/lifecycle.ts'
import type { LevelParts } from './protocol/context.ts'
import { type CheckedOptions, checkedOptions, type KeyvCacheOptions } from './options.ts'
import { LoadAwareClock } from '@finchat/secrets-core/provider'
import { PatientStore, startMsOf } from './store/bounded-store.ts'
import { startPatience } from './protocol/fill-lease.ts'
import { channelOf, keyMarkOf } from './sealed/key-names.ts'
import { read } from './protocol/read.ts'
import { outlive } from './store/error-events.ts'
import { type KeyvCacheStats, Reports } from './protocol/stats.ts'
import { type FaultReason, reasonOf } from './store/errors.ts'
import { type TextStore, textStoreOf } from './store/text-store.ts'

/** So many calls to a store that hangs may hold up `close()`, whatever the load of the machine. */
const closingCalls = 10

/** The second level below each provider's memory, for `cache: { shared }`. */
export interface KeyvCache extends SharedCache {
  /** Counts since it was made. */
  readonly stats: () => KeyvCacheStats
  /** Waits for what it still brings to the store, and then asks nothing of it or of the clients any more, which can be closed. */
  readonly close: (context?: CallContext) => Promise<void>
}

/**
 * A cache that a fleet shares over any Keyv store: Redis, Valkey, a SQL database. Returns what `createSecretsManager({ cache: { shared } })` takes;
 * nothing is asked of the store before the first read. Whatever lies there is sealed, and found under hashes. Throws `CONFIGURATION` for an option that makes
 * no sense, and without a key unless the store is in this process.
 *
 * @example
 * import { generateKey, keyvCache } from '@finchat/secrets-cache-keyv'
 * import { createSecretsManager } from '@finchat/secrets-core'
 * import { memoryProvider } from '@finchat/secrets-testkit'
 *
 * const shared = keyvCache({ store: new Map(), namespace: 'payments' }) // in production a Keyv over Redis, and encryptionKey
 * const provider = memoryProvider({ sharedAs: 'store', secrets: { database: 'hunter2' } }) // in production AWS, Vault
 * const secrets = createSecretsManager({ providers: [provider], cache: { shared } })
 * await secrets.getSecret('database')
 * console.log(shared.stats().turns) // 1
 * await secrets.close()
 */
export function keyvCache(options: KeyvCacheOptions): KeyvCache {
  const checked = checkedOptions(options)
  const texts = textStoreOf(checked.store)
  const parts = partsOf(checked, texts)
  const { reports, announcements, lifecycle } = parts
  let ended: Promise<void> | undefined
  if (checked.isSharedWithNobody) warnOfMap()
  return {
    specificationVersion: 'v1',
    // By the process's own time. A claim that begins when the wait ends settles for a quarter of it at most, and every call on the way may take its time.
    longestReadMs: startMsOf(checked.timeoutMs) + 1.25 * startPatience * checked.waitMs + 10 * (checked.timeoutMs + checked.settleMs),
    failClosed: checked.failClosed,
    read: (key, context) => readOrPass(parts, key, context),
    // The store's failure is counted and told where it is noticed; nobody waits for this.
    fill: (key, ticket, entry) => lifecycle.run(() => fill(parts, key, ticket, entry)).catch(() => {}),
    invalidate: async (path, { signal }) => {
      if (lifecycle.isClosing) throw closed()
      return lifecycle.track(invalidate(parts, path, signal))
    },
    ...(checked.subscriber !== undefined && { subscribe: (listener) => announcements.add(listener) }),
    stats: () => reports.stats,
    close: (context) => (ended ??= end(parts, texts, context?.signal)),
  }
}

async function readOrPass(parts: LevelParts, key: SharedKey, context: SharedReadContext): Promise<SharedRead> {
  try {
    return await parts.lifecycle.run(() => read(parts, key, context))
  } catch {
    parts.reports.count('unavailable')
    return { ticket: {}, unavailable: true }
  }
}

/** What runs may end, as far as there is time; then nothing reaches the store. */
async function end(parts: LevelParts, texts: TextStore, signal: AbortSignal | undefined): Promise<void> {
  const { announcements, keys, lifecycle, store } = parts
  announcements.close()
  await lifecycle.close(parts.longestCloseMs, signal)
  store.close()
  texts.close()
  forgetKeys(keys)
}

function closed(): SecretsError {
  return new SecretsError('ABORTED', 'the shared cache is closed', { remedy: 'close it after the last use' })
}

function partsOf({ ring, indexRoot, ...options }: CheckedOptions, texts: TextStore): LevelParts {
  const { namespace, timeoutMs, coolDownMs, waitMs, client, subscriber, keyPrefix } = options
  for (const connection of [client, subscriber]) outlive(connection)
  const keys = deriveCacheKeys(ring, indexRoot)
  const reports = new Reports(namespace)
  const [clock, lifecycle] = [new LoadAwareClock(), new Lifecycle()]
  // What fails while the cache is closing fails because of that.
  const failed = (reason: FaultReason): void => (lifecycle.isClosing ? undefined : reports.failed(reason))
  const store = new PatientStore(texts, { timeoutMs, coolDownMs, clock, failed })
  const places = { index: keys.index, namespace, keyPrefix }
  const keyCheck = new KeyCheck({ store, mark: keyMarkOf(places), reports, lifecycle })
  const announced = { keys, namespace, channel: channelOf(places), client, subscriber, store, lifecycle, clock, timeoutMs }
  const announcements = new Announcements({ ...announced, failed: (error) => failed(reasonOf(error)) })
  const [leaseMs, longestCloseMs] = [Math.max(1, waitMs / 2), closingCalls * timeoutMs]
  return {
    ...options,
    store,
    clock,
    lifecycle,
    keys,
    index: keys.index,
    reports,
    announcements,
    keyCheck,
    leaseMs,
    longestCloseMs,
  }
}

function warnOfMap(): void {
  process.emitWarning(
    "The shared cache of secrets is in this process and shared with nobody: give an adapter as `store`, such as new KeyvRedis('redis://…') (a Keyv that is given a connection string makes a map of it)",
    {
      type: 'SecretsWarning',
      code: 'FINCHAT_SECRETS_SHARED_CACHE',
    },
  )
}
