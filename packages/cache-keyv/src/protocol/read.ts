import type { LeaseToken, SharedGap, SharedHit, SharedKey, SharedRead, SharedReadContext } from '@finchat/secrets-core'
import { jittered } from '@finchat/secrets-core/provider'
import { firstGeneration, sealGeneration } from '../sealed/generation.ts'
import { keyNamesOf } from '../sealed/key-names.ts'
import { type CacheContext, startFactor } from './context.ts'
import { type FillLease, fillLease, releaseLease } from './fill-lease.ts'
import { changesOf, type Probe, probe, type ProbeTarget } from './probe.ts'

/** Longer than any entry lives. */
export const generationTtlMs: number = 7 * 86_400_000

const firstPauseMs = 25
const longestPauseMs = 200

/** Then a waiting process asks the provider by itself. */
const mostEmptyLeases = 3

interface Target extends ProbeTarget {
  readonly signal: AbortSignal
}

interface Wait {
  readonly isOver: () => boolean
  readonly end: () => void
}

/**
 * A hit, or a lease token: without the fill lease if other processes took too long. Rejects with a
 * `StoreFault`.
 */
export async function read(
  cache: CacheContext,
  key: SharedKey,
  { signal, notBefore, isRecheck, canWait }: SharedReadContext,
): Promise<SharedRead> {
  const target = { key, names: keyNamesOf(key, cache), notBefore, signal, canWait }
  const found = await probe(cache, target)
  if (found.hit !== undefined) return hit(cache, found.hit)
  if (isRecheck) return miss(cache, target, found, leaseTokenOf(found))
  const wait = waitOf(cache, signal)
  try {
    return await leaseOrWait(cache, target, found, wait)
  } finally {
    wait.end()
  }
}

async function leaseOrWait(cache: CacheContext, target: Target, first: Probe, wait: Wait): Promise<SharedRead> {
  const lease = fillLease(target.names, cache)
  let found = first
  for (let round = 0, emptyLeases = 0; ; round += 1) {
    if (found.outage !== 'marked' && (await lease.claim(found))) return readWithLease(cache, target, lease)
    if (found.outage !== 'none') return { ...miss(cache, target, found, leaseTokenOf(found)), wait: true }
    if (emptyLeases >= mostEmptyLeases) return miss(cache, target, found, leaseTokenOf(found))
    if (wait.isOver()) return withoutLease(cache, target, found)
    const before = found
    await cache.lifecycle.pause(jittered(Math.min(firstPauseMs * 2 ** round, longestPauseMs)), target.signal)
    found = await probe(cache, target)
    if (isReleasedEmpty(before, found)) {
      emptyLeases += 1
      await cache.lifecycle.pause(Math.random() * firstPauseMs * 2 ** emptyLeases, target.signal)
      found = await probe(cache, target)
    }
    if (found.hit !== undefined) return waitedHit(cache, found.hit)
  }
}

/** The holder of the lease did not answer in time. */
function withoutLease(cache: CacheContext, target: Target, found: Probe): SharedGap {
  return { ...miss(cache, target, found, leaseTokenOf(found)), ...(target.canWait && { wait: true }) }
}

function waitOf({ waitMs, clock, lifecycle, store }: CacheContext, signal: AbortSignal): Wait {
  let isTimeOver = waitMs === 0
  const end = clock.after(store.isStarting ? startFactor * waitMs : waitMs, () => (isTimeOver = true))
  return { end, isOver: () => isTimeOver || signal.aborted || lifecycle.isClosing }
}

function isReleasedEmpty(before: Probe, now: Probe): boolean {
  return before.holder !== undefined && now.holder === undefined && now.hit === undefined
}

/** Another process may have filled the entry before this one got the lease. */
async function readWithLease(cache: CacheContext, target: Target, lease: FillLease): Promise<SharedRead> {
  const found = await probe(cache, target)
  if (found.hit === undefined && !target.signal.aborted && !cache.lifecycle.isClosing) {
    const generation = found.generation?.id ?? (await beginGeneration(cache, target))
    cache.stats.count('leases')
    return miss(cache, target, found, { generation, lease: lease.id })
  }
  await releaseLease(target.names.lease, lease.id, cache)
  return found.hit === undefined ? miss(cache, target, found, leaseTokenOf(found)) : waitedHit(cache, found.hit)
}

/** Only the lease holder begins one: starting processes would replace each other's. */
async function beginGeneration({ store, keys, namespace }: CacheContext, { key, names }: Target): Promise<string> {
  const generation = firstGeneration()
  await store.set(names.generation, sealGeneration(keys, { ...key, namespace }, generation), generationTtlMs)
  return generation.id
}

function leaseTokenOf({ generation }: Probe): LeaseToken {
  return generation === undefined ? {} : { generation: generation.id }
}

function miss({ stats }: CacheContext, { key }: Target, { generation }: Probe, leaseToken: LeaseToken): SharedGap {
  stats.count('misses')
  return { leaseToken, ...changesOf(generation, key) }
}

function waitedHit(cache: CacheContext, answer: SharedHit): SharedRead {
  cache.stats.count('waits')
  return hit(cache, answer)
}

function hit({ stats }: CacheContext, answer: SharedHit): SharedRead {
  stats.count('hits')
  return answer
}
