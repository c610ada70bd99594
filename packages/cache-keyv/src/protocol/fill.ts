import type { LeaseToken, SharedEntry, SharedKey } from '@finchat/secrets-core'
import { type EntryHead, sealEntry } from '../sealed/entry.ts'
import { openGeneration } from '../sealed/generation.ts'
import { keyNamesOf } from '../sealed/key-names.ts'
import { canEncode } from '../sealed/secret-codec.ts'
import type { CacheContext } from './context.ts'
import { releaseLease } from './fill-lease.ts'
import { isBeforeLastWrite, type ProbeTarget, servableEntry } from './probe.ts'

/** Writes the entry if it is current, and always releases the lease. */
export async function fill(cache: CacheContext, key: SharedKey, leaseToken: LeaseToken, entry: SharedEntry | undefined): Promise<void> {
  const { generation, lease } = leaseToken
  const target = { key, names: keyNamesOf(key, cache) }
  try {
    if (entry !== undefined && typeof generation === 'string') await write(cache, target, generation, entry)
  } finally {
    if (typeof lease === 'string') await releaseLease(target.names.lease, lease, cache)
  }
}

async function write(cache: CacheContext, target: ProbeTarget, generation: string, { secret, ...entry }: SharedEntry): Promise<void> {
  const { store, keys, namespace, stats } = cache
  const now = Date.now()
  const writtenAt = Math.min(entry.askedAt ?? now, now)
  const until = Math.min(entry.until, secret.expiresAt ?? Infinity)
  if (!Number.isFinite(until) || until <= now || secret.exclusive || !canEncode(secret)) return
  const head = { generation, writtenAt, until }
  if (!(await isCurrent(cache, target, head, secret.version))) return
  const text = sealEntry(keys, { ...target.key, namespace }, head, secret)
  await store.setAndReadBack(target.names.entry, text, until - now)
  stats.count('fills')
}

/** A race with an invalidation leaves an entry of an old generation, which is not served. */
async function isCurrent(
  cache: CacheContext,
  { key, names }: ProbeTarget,
  { generation, writtenAt }: EntryHead,
  version: number | undefined,
): Promise<boolean> {
  const [sealedGeneration, sealedEntry] = await cache.store.getMany([names.generation, names.entry])
  const current =
    sealedGeneration === undefined ? undefined : openGeneration(cache.keys, { ...key, namespace: cache.namespace }, sealedGeneration)
  if (current?.id !== generation || isBeforeLastWrite(current, key, version)) return false
  const found = servableEntry(cache, key, current, sealedEntry)
  return found === undefined || found.writtenAt < writtenAt
}
