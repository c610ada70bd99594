// The least that an asynchronous read can cost.
import { cachedReads, coldReads, distinctReads, secretName, ttlMs } from './cache-work.ts'
import type { Contender } from '../harness/scenario.ts'

export const awaited: Contender = cachedReads((store) => {
  const held = new Map([[secretName, Promise.resolve(store())]])
  const read = async (name: string): Promise<string | undefined> => held.get(name)
  return () => read(secretName)
})

export const untilItExpires: Contender = cachedReads((store) => {
  const held = new Map([[secretName, { promise: Promise.resolve(store()), expiresAt: Date.now() + ttlMs }]])
  const read = async (name: string): Promise<string | undefined> => {
    const entry = held.get(name)
    return entry === undefined || Date.now() >= entry.expiresAt ? undefined : entry.promise
  }
  return () => read(secretName)
})

/** One call of the store, for which all readers wait. */
export const cold: Contender = coldReads((store) => {
  const flights = new Map<string, Promise<string>>()
  return (name) => {
    const flight = flights.get(name) ?? store.get(name)
    flights.set(name, flight)
    return flight
  }
})

/** The store alone. */
export const distinct: Contender = distinctReads((store) => (name) => store.get(name))
