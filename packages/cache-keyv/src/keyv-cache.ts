import type { CallContext, SharedCache } from '@finchat/secrets-core'
import { Announcements } from './announcements.ts'
import { deriveCacheKeys } from './cache-keys.ts'
import { fill } from './fill.ts'
import { invalidate } from './invalidate.ts'
import { KeyCheck } from './key-check.ts'
import type { LevelParts } from './level-parts.ts'
import { type CheckedOptions, checkedOptions, type KeyvCacheOptions } from './options.ts'
import { PatientStore } from './patient-store.ts'
import { channelOf, keyMarkOf } from './places.ts'
import { read } from './read.ts'
import { outlive } from './redis-client.ts'
import { type KeyvCacheStats, Reports } from './reports.ts'
import { reasonOf } from './store-fault.ts'
import { type TextStore, textStoreOf } from './text-store.ts'

/** The second level below each provider's memory, for `cache: { shared }`. */
export interface KeyvCache extends SharedCache {
  /** Counts since it was made. */
  readonly stats: () => KeyvCacheStats
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
  const { reports, announcements } = parts
  if (checked.isSharedWithNobody) warnOfMap()
  return {
    specificationVersion: 'v1',
    // A claim that begins when the wait ends settles for a quarter of it at most, and every call on the way may take its time.
    longestReadMs: 1.25 * checked.waitMs + 10 * (checked.timeoutMs + checked.settleMs),
    failClosed: checked.failClosed,
    read: async (key, context) => {
      try {
        return await read(parts, key, context)
      } catch {
        reports.count('unavailable')
        return { ticket: {}, unavailable: true }
      }
    },
    // The store's failure is counted and told where it is noticed; nobody waits for this.
    fill: (key, ticket, entry) => fill(parts, key, ticket, entry).catch(() => {}),
    invalidate: (path, { signal }) => invalidate(parts, path, signal),
    ...(checked.subscriber !== undefined && { subscribe: (listener) => announcements.add(listener) }),
    stats: () => reports.stats,
    close: async () => {
      announcements.close()
      texts.close()
    },
  }
}

function partsOf({ ring, indexRoot, ...options }: CheckedOptions, texts: TextStore): LevelParts {
  const { namespace, timeoutMs, coolDownMs, waitMs, client, subscriber, keyPrefix } = options
  for (const connection of [client, subscriber]) outlive(connection)
  const keys = deriveCacheKeys(ring, indexRoot)
  const reports = new Reports(namespace)
  const store = new PatientStore(texts, { timeoutMs, coolDownMs, failed: (reason) => reports.failed(reason) })
  const places = { index: keys.index, namespace, keyPrefix }
  const keyCheck = new KeyCheck({ store, mark: keyMarkOf(places), reports })
  const failed = (error: unknown): void => reports.failed(reasonOf(error))
  const announcements = new Announcements({ keys, namespace, channel: channelOf(places), client, subscriber, store, failed })
  return { ...options, store, keys, index: keys.index, reports, announcements, keyCheck, leaseMs: Math.max(1, waitMs / 2) }
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
