import { SecretsError, type SharedPath } from '@finchat/secrets-core'
import { jittered } from '@finchat/secrets-core/provider'
import { isReset, leastVersionOf, nextGeneration, openGeneration, sealGeneration } from '../sealed/generation.ts'
import { keyNamesOf } from '../sealed/key-names.ts'
import { faultOf, StoreFault } from '../store/errors.ts'
import type { Announcements } from './announcements.ts'
import type { CacheContext } from './context.ts'
import { generationTtlMs } from './read.ts'

const attempts = 3
const pauseMs = 30

/**
 * Begins a new generation, so that no entry of the path is served. Deletes the entries of the two
 * versions without a number; others expire. Rejects with `UNAVAILABLE` if it cannot confirm that.
 */
export async function invalidate(cache: CacheContext, announcements: Announcements, path: SharedPath, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    cache.store.endCoolDown()
    const fault = await renewGeneration(cache, path)
    if (fault === undefined) break
    if (attempt === attempts || signal.aborted) throw unavailable(fault)
    await cache.lifecycle.pause(jittered(pauseMs * attempt), signal)
  }
  cache.stats.count('invalidations')
  if (path.leastVersion) void cache.lifecycle.run(() => confirmLeastVersion(cache, path)).catch(() => {})
  const { sharedAs, path: name } = path
  await Promise.allSettled([
    announcements.announce({ sharedAs, path: name }),
    ...([undefined, 'previous'] as const).map((version) => cache.store.delete(keyNamesOf({ sharedAs, path: name, version }, cache).entry)),
  ])
}

async function renewGeneration(cache: CacheContext, path: SharedPath): Promise<StoreFault | undefined> {
  const { store, keys, namespace } = cache
  const name = keyNamesOf(path, cache).generation
  const at = { ...path, namespace }
  try {
    const [former] = await store.getMany([name])
    const generation = nextGeneration(path.leastVersion, former === undefined ? undefined : openGeneration(keys, at, former))
    const found = await store.setAndReadBack(name, sealGeneration(keys, at, generation), generationTtlMs, { former })
    return hasLeastVersion(cache, path, found) ? undefined : new StoreFault('failed')
  } catch (error) {
    return faultOf(error)
  }
}

function hasLeastVersion({ keys, namespace }: CacheContext, path: SharedPath, found: string, now: number = Date.now()): boolean {
  if (!path.leastVersion) return true
  const generation = openGeneration(keys, { ...path, namespace }, found)
  return isReset(generation, now) || leastVersionOf(generation, now) >= path.leastVersion
}

/** A Keyv has no conditional write: a process that read before this one may write after it. */
async function confirmLeastVersion(cache: CacheContext, path: SharedPath): Promise<void> {
  const writtenAt = Date.now()
  await cache.lifecycle.pause(cache.settleMs)
  const [found] = await cache.store.getMany([keyNamesOf(path, cache).generation])
  if (found !== undefined && !hasLeastVersion(cache, path, found, writtenAt)) await renewGeneration(cache, path)
}

function unavailable(fault: StoreFault): SecretsError {
  return new SecretsError('UNAVAILABLE', `the shared cache could not be invalidated after a write (${fault.reason})`, {
    remedy: 'other processes may serve the former value until its TTL ends; write again, or invalidate',
  })
}
