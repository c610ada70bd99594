import { SecretsError, type SharedPath } from '@finchat/secrets-core'
import type { LevelParts } from './context.ts'
import { jittered } from '../store/lifecycle.ts'
import { placesOf } from '../sealed/key-names.ts'
import { generationTtlMs } from './read.ts'
import { isLift, leastIn, newGeneration, openGeneration, sealGeneration } from '../sealed/generation.ts'
import { faultOf, StoreFault } from '../store/errors.ts'

/** A store that stumbles is asked again: to fail costs the writer more than to wait a little. */
const attempts = 3
const pauseMs = 30

/**
 * Puts the path into another generation, which takes every version of it from the fleet at once, and drops what is there of the two that have no
 * number; others go when their time is over. Rejects with `UNAVAILABLE` if that cannot be seen to be done.
 */
export async function invalidate(parts: LevelParts, path: SharedPath, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    parts.store.tryAgain()
    const fault = await renew(parts, path)
    if (fault === undefined) break
    if (attempt === attempts || signal.aborted) throw unavailable(fault)
    await parts.lifecycle.pause(jittered(pauseMs * attempt), signal)
  }
  parts.reports.count('invalidations')
  if (path.leastVersion) void parts.lifecycle.run(() => confirm(parts, path)).catch(() => {})
  const { sharedAs, path: name } = path
  await Promise.allSettled([
    parts.announcements.announce({ sharedAs, path: name }),
    ...([undefined, 'previous'] as const).map((version) => parts.store.delete(placesOf({ sharedAs, path: name, version }, parts).entry)),
  ])
}

/** Some stores say that they wrote what they did not: it is read back. */
async function renew(parts: LevelParts, path: SharedPath): Promise<StoreFault | undefined> {
  const { store, keys, namespace } = parts
  const place = placesOf(path, parts).generation
  const at = { ...path, namespace }
  try {
    const [before] = await store.getMany([place])
    const generation = newGeneration(path.leastVersion, before === undefined ? undefined : openGeneration(keys, at, before))
    await store.set(place, sealGeneration(keys, at, generation), generationTtlMs)
    const [kept] = await store.getMany([place])
    if (kept === undefined || kept === before) throw store.lost()
    store.kept()
    return isHeeded(parts, path, kept) ? undefined : new StoreFault('failed')
  } catch (error) {
    return faultOf(error)
  }
}

/** What another process wrote there after us is as good, unless it did not see the least version. */
function isHeeded({ keys, namespace }: LevelParts, path: SharedPath, kept: string, now: number = Date.now()): boolean {
  if (!path.leastVersion) return true
  const generation = openGeneration(keys, { ...path, namespace }, kept)
  return isLift(generation, now) || leastIn(generation, now) >= path.leastVersion
}

/** Keyv has no conditional write: a process that looked before us may write after us. In the background. */
async function confirm(parts: LevelParts, path: SharedPath): Promise<void> {
  const toldAt = Date.now()
  await parts.lifecycle.pause(parts.settleMs)
  const [kept] = await parts.store.getMany([placesOf(path, parts).generation])
  if (kept !== undefined && !isHeeded(parts, path, kept, toldAt)) await renew(parts, path)
}

function unavailable(fault: StoreFault): SecretsError {
  return new SecretsError('UNAVAILABLE', `the shared cache could not be told what was written (${fault.reason})`, {
    remedy: 'other processes may serve the former value until its TTL ends; write again, or invalidate',
  })
}
