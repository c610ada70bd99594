import type { KeyvStore } from '../store/text-store.ts'

/**
 * How one call to the store fails. `swallow`: without an error, as a Keyv with an error listener.
 */
type StoreFault = 'reject' | 'hang' | 'swallow'
type StoreCall = 'get' | 'set' | 'delete'

export interface FaultyStore extends KeyvStore {
  readonly held: Map<string, string>
  readonly calls: (call?: StoreCall) => number
  plan: ((call: StoreCall, key: string) => StoreFault | undefined) | undefined
}

/**
 * A store in memory that the cache treats as a remote one. It fails on demand, and ignores every
 * TTL.
 */
export function faultyStore(held: Map<string, string> = new Map()): FaultyStore {
  const calls: StoreCall[] = []
  const enter = async (call: StoreCall, key: string): Promise<boolean> => {
    calls.push(call)
    const fault = store.plan?.(call, key)
    if (fault === 'reject') throw new Error('canary-of-the-client redis://user:password@cache')
    if (fault === 'hang') await new Promise(() => {})
    return fault === undefined
  }
  const store: FaultyStore = {
    held,
    plan: undefined,
    calls: (call) => calls.filter((each) => call === undefined || each === call).length,
    get: async (key) => ((await enter('get', key)) ? held.get(key) : undefined),
    set: async (key, value) => ((await enter('set', key)) ? held.set(key, value) !== undefined : undefined),
    delete: async (key) => ((await enter('delete', key)) ? held.delete(key) : false),
  }
  return store
}
