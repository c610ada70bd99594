import { loadCrypto } from './builtins.ts'
import type { PatientStore } from './patient-store.ts'
import { pause } from './pause.ts'
import { type RedisClient, setIfAbsent } from './redis-client.ts'

/** One process's part in an election: whose turn it is to ask the provider, for the whole fleet. Correctness does not depend on it. */
export interface Turn {
  readonly id: string
  /** Whether the place of the turn is to be looked at together with what else is looked at. */
  readonly isInStore: boolean
  /** Resolves to whether the turn is ours now. `seen` is what the place held, `lookedAt` when that was asked for. */
  readonly claim: (seen: string | undefined, lookedAt: number) => Promise<boolean>
}

export interface TurnOptions {
  readonly store: PatientStore
  readonly client: RedisClient | undefined
  /** How long a turn lasts whose holder does not answer. */
  readonly leaseMs: number
  /** How long a claim must stand in a store that knows no conditional write. */
  readonly settleMs: number
}

export function turnAt(place: string, options: TurnOptions): Turn {
  const { client, store, leaseMs } = options
  const id = loadCrypto().randomBytes(16).toString('base64url')
  if (client === undefined) return electedTurn(place, id, options)
  return { id, isInStore: false, claim: () => store.run(() => setIfAbsent(client, place, id, leaseMs)) }
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
 * who wrote has the turn. One that was slow to write waits in proportion, since somebody else's claim may have settled meanwhile.
 */
function electedTurn(place: string, id: string, { store, leaseMs, settleMs }: TurnOptions): Turn {
  let other: { readonly id: string; readonly since: number } | undefined
  /** By our own clock, from when we saw it first: neither the other's clock nor the store's TTL is relied on. */
  const isHeld = (seen: string | undefined): boolean => {
    if (seen === undefined) return false
    if (other?.id !== seen) other = { id: seen, since: performance.now() }
    return performance.now() - other.since < leaseMs
  }
  const claim = async (seen: string | undefined, lookedAt: number): Promise<boolean> => {
    if (isHeld(seen)) return false
    await write(place, id, leaseMs + 10 * settleMs, store)
    await pause(Math.max(settleMs, 2 * (performance.now() - lookedAt)))
    // Nobody's any more: whoever had it was faster, and has brought an answer or none.
    const [holder] = await store.getMany([place])
    return holder === id
  }
  return { id, isInStore: true, claim }
}
