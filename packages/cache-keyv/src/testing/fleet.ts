import type { CallContext, LeaseToken, SharedEntry, SharedKey, StoredSecret } from '@finchat/secrets-core'
import { type KeyvCache, keyvCache } from '../keyv-cache.ts'
import type { KeyvCacheOptions } from '../options.ts'
import { faultyStore, type FaultyStore } from './stores.ts'

export const context: CallContext = { signal: new AbortController().signal }
export const encryptionKey: string = '0123456789abcdef'.repeat(4)
export const key: SharedKey = { sharedAs: 'aws:1:eu', path: 'prod/database' }

/** Caches of several processes over one store. By default their claims settle at once. */
export function fleetOver(
  store: FaultyStore = faultyStore(),
  options: Partial<KeyvCacheOptions> = {},
): {
  readonly store: FaultyStore
  readonly another: (others?: Partial<KeyvCacheOptions>) => KeyvCache
} {
  return { store, another: (others = {}) => keyvCache({ store, encryptionKey, settleMs: 1, waitMs: 200, ...options, ...others }) }
}

export async function leaseTokenOf(cache: KeyvCache, at: SharedKey = key): Promise<LeaseToken> {
  const answer = await cache.read(at, context)
  if ('leaseToken' in answer) return answer.leaseToken
  throw new Error('the read was a hit')
}

export async function valueIn(cache: KeyvCache, at: SharedKey = key): Promise<StoredSecret['value'] | undefined> {
  const answer = await cache.read(at, context)
  return 'hit' in answer ? answer.hit.value : undefined
}

export function entryOf(secret: StoredSecret, times: Partial<SharedEntry> = {}): SharedEntry {
  const now = Date.now()
  return { secret, until: now + 60_000, askedAt: now, ...times }
}

/** Fills a miss. */
export async function fillGap(
  cache: KeyvCache,
  secret: StoredSecret,
  times: Partial<SharedEntry> = {},
  at: SharedKey = key,
): Promise<void> {
  await cache.fill(at, await leaseTokenOf(cache, at), entryOf(secret, times), context)
}
