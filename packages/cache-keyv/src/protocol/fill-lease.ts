import { loadCrypto } from '@finchat/secrets-core/provider'
import type { KeyNames } from '../sealed/key-names.ts'
import { setIfAbsent } from '../store/redis-client.ts'
import { type CacheContext, startFactor } from './context.ts'

/** What a probe without a hit found. */
export interface LeaseState {
  /** `undefined` if no process holds it, or the server decides. */
  readonly holder: string | undefined
  /** The entry that was not served. */
  readonly sealedEntry: string | undefined
  /** `performance.now()`, since the store's other users go on while this process is paused. */
  readonly at: number
}

/** Two holders cost a call, never a wrong answer. */
export interface FillLease {
  readonly id: string
  readonly claim: (state: LeaseState) => Promise<boolean>
}

type LeaseContext = Pick<CacheContext, 'store' | 'client' | 'clock' | 'lifecycle' | 'leaseMs' | 'settleMs'>

/** With a `client` the server elects the holder; without one the processes do. */
export function fillLease(names: Pick<KeyNames, 'lease' | 'entry'>, cache: LeaseContext): FillLease {
  const { client, store } = cache
  const id = loadCrypto().randomBytes(16).toString('base64url')
  if (client === undefined) return electedLease(names, id, cache)
  return { id, claim: () => store.run(() => setIfAbsent(client, names.lease, id, leaseMsOf(cache))) }
}

function leaseMsOf({ leaseMs, store }: Pick<LeaseContext, 'leaseMs' | 'store'>): number {
  return store.isStarting ? startFactor * leaseMs : leaseMs
}

/** Releases the lease if this id still holds it. */
export async function releaseLease(name: string, id: string, { store, client }: LeaseContext): Promise<void> {
  if (client !== undefined) {
    if ((await store.run(() => client.get(name))) === id) await store.run(() => client.del(name))
    return
  }
  const [holder] = await store.getMany([name])
  if (holder === id) await store.delete(name)
}

/**
 * Without a conditional write, each process writes its id, lets it settle, and reads it back. The
 * last writer holds the lease.
 */
function electedLease(names: Pick<KeyNames, 'lease' | 'entry'>, id: string, cache: LeaseContext): FillLease {
  const { store, settleMs, leaseMs, clock } = cache
  let other: { readonly id: string; readonly since: number } | undefined
  /** By our clock: neither the holder's clock nor the store's TTL is trusted. */
  const isHeld = (holder: string | undefined): boolean => {
    if (holder === undefined) return false
    if (other?.id !== holder) other = { id: holder, since: clock.now }
    return clock.now - other.since < leaseMsOf(cache)
  }
  const claim = async (state: LeaseState): Promise<boolean> => {
    if (isHeld(state.holder)) return false
    // Two attempts: a former holder may have released the claim that replaced its own.
    await store.setAndReadBack(names.lease, id, 2 * leaseMsOf(cache) + 10 * settleMs, { attempts: 2 })
    const settledAt = performance.now() + settlingMs(performance.now() - state.at, settleMs, leaseMs)
    return settles(names, id, { cache, settledAt, sealedEntry: state.sealedEntry })
  }
  return { id, claim }
}

async function settles(
  names: Pick<KeyNames, 'lease' | 'entry'>,
  id: string,
  { cache, settledAt, sealedEntry }: { readonly cache: LeaseContext; readonly settledAt: number } & Pick<LeaseState, 'sealedEntry'>,
): Promise<boolean> {
  const { store, lifecycle, settleMs } = cache
  do {
    await lifecycle.pause(Math.min(Math.max(settleMs, 1), Math.max(settledAt - performance.now(), 0)))
    const [holder, found] = await store.getMany([names.lease, names.entry])
    if (holder !== id || found !== sealedEntry) return false
  } while (performance.now() < settledAt && !lifecycle.isClosing)
  return true
}

/**
 * A slow writer may have replaced a settled claim whose holder is asking the provider. So it waits
 * in proportion, at most for half a lease.
 */
function settlingMs(tookMs: number, settleMs: number, leaseMs: number): number {
  return tookMs <= settleMs ? settleMs : Math.max(settleMs, Math.min(4 * tookMs, leaseMs / 2))
}
