import { loadCrypto } from '../sealed/key-ring.ts'
import type { Lifecycle } from '../store/lifecycle.ts'
import type { LoadAwareClock } from '@finchat/secrets-core/provider'
import type { PatientStore } from '../store/bounded-store.ts'
import type { Places } from '../sealed/key-names.ts'
import { type RedisClient, setIfAbsent } from '../store/redis-client.ts'

/** How many times as long a process waits for others while it starts. */
export const startPatience = 4

/** What a process saw when it looked for an answer and found none. */
export interface Sight {
  /** Whose turn it is, where that is in the store. */
  readonly turn: string | undefined
  /** What lay there instead of an answer. */
  readonly sealedEntry: string | undefined
  /** When the store was asked, by `performance.now()`: other processes do not wait for this one to be run again. */
  readonly at: number
}

/** One process's part in an election: whose turn it is to ask the provider, for the whole fleet. Correctness does not depend on it. */
export interface Turn {
  readonly id: string
  /** Resolves to whether the turn is ours now. */
  readonly claim: (seen: Sight) => Promise<boolean>
}

export interface TurnOptions {
  readonly store: PatientStore
  readonly client: RedisClient | undefined
  readonly clock: LoadAwareClock
  readonly lifecycle: Lifecycle
  /** How long a turn lasts whose holder does not answer, in its own time. */
  readonly leaseMs: number
  /** How long a claim must stand in a store that knows no conditional write. */
  readonly settleMs: number
}

export function turnAt(places: Pick<Places, 'turn' | 'entry'>, options: TurnOptions): Turn {
  const { client, store } = options
  const id = loadCrypto().randomBytes(16).toString('base64url')
  if (client === undefined) return electedTurn(places, id, options)
  return { id, claim: () => store.run(() => setIfAbsent(client, places.turn, id, leaseFor(options))) }
}

/** A process that starts on a busy machine needs longer for the same. */
function leaseFor({ leaseMs, store }: Pick<TurnOptions, 'leaseMs' | 'store'>): number {
  return store.isStarting ? startPatience * leaseMs : leaseMs
}

/** Hands the turn back, if it is still this one: others take the answer, or see that there is none. */
export async function endTurn(place: string, id: string, { store, client }: TurnOptions): Promise<void> {
  if (client !== undefined) {
    if ((await store.run(() => client.get(place))) === id) await store.run(() => client.del(place))
    return
  }
  const [holder] = await store.getMany([place])
  if (holder === id) await store.delete(place)
}

/** A store that is full may say that it wrote. Once may be chance: somebody ended a turn of his own that we had just taken. */
async function write(place: string, id: string, ttlMs: number, store: PatientStore): Promise<void> {
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    await store.set(place, id, ttlMs)
    const [holder] = await store.getMany([place])
    if (holder !== undefined) return store.kept()
  }
  throw store.lost()
}

/**
 * An election among processes that can only write and read: each writes its own id where there is none, lets it settle, and reads back; the last
 * who wrote has the turn.
 */
function electedTurn({ turn: place, entry }: Pick<Places, 'turn' | 'entry'>, id: string, options: TurnOptions): Turn {
  const { store, settleMs, clock, lifecycle } = options
  let other: { readonly id: string; readonly since: number } | undefined
  /** By our own clock, from when we saw it first: neither the other's clock nor the store's TTL is relied on. */
  const isHeld = (seen: string | undefined): boolean => {
    if (seen === undefined) return false
    if (other?.id !== seen) other = { id: seen, since: clock.now }
    return clock.now - other.since < leaseFor(options)
  }
  const claim = async (seen: Sight): Promise<boolean> => {
    if (isHeld(seen.turn)) return false
    // It must outlast its settling: who waits for it measures the lease himself.
    await write(place, id, 2 * leaseFor(options) + 10 * settleMs, store)
    const end = performance.now() + settlingMs(performance.now() - seen.at, settleMs, options.leaseMs)
    do {
      await lifecycle.pause(Math.min(Math.max(settleMs, 1), Math.max(end - performance.now(), 0)))
      const [holder, answer] = await store.getMany([place, entry])
      // Somebody else's, or nobody's any more; or the answer is there.
      if (holder !== id || answer !== seen.sealedEntry) return false
    } while (performance.now() < end && !lifecycle.isClosing)
    return true
  }
  return { id, claim }
}

/**
 * Whoever took longer from looking to writing than a claim takes to settle may have written over one that had settled, whose holder is asking. So
 * he waits for that answer in proportion, at most for half a lease.
 */
function settlingMs(tookMs: number, settleMs: number, leaseMs: number): number {
  return tookMs <= settleMs ? settleMs : Math.max(settleMs, Math.min(4 * tookMs, leaseMs / 2))
}
