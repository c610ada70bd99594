import { described, wrongOption } from './wrong-option.ts'
import { StoreFault } from './store-fault.ts'

/**
 * What is used of a Keyv or of an adapter for it. `set` takes milliseconds; an adapter that says `capabilities: { expires: true }`, as those of
 * Keyv 6 do, the time itself. An adapter that has no `getMany` is asked key by key.
 */
export interface KeyvStore {
  readonly get: (key: string) => unknown
  readonly set: (key: string, value: string, ttl?: number) => unknown
  readonly delete: (key: string) => unknown
}

/** Texts by key, over whatever the user gave. Every method rejects if the store says that it failed; some do not say so. */
export interface TextStore {
  readonly getMany: (keys: readonly string[]) => Promise<readonly (string | undefined)[]>
  readonly set: (key: string, text: string, ttlMs: number) => Promise<void>
  readonly delete: (key: string) => Promise<void>
}

/** The user's store, whose own namespaces, listeners, hooks and statistics are its own affair: all it sees is hashes and sealed texts. */
export function textStoreOf(store: KeyvStore): TextStore {
  const getMany: unknown = Reflect.get(store, 'getMany')
  return {
    getMany: async (keys) => {
      const answer: unknown =
        typeof getMany === 'function' ? await getMany.call(store, [...keys]) : await Promise.all(keys.map((key) => store.get(key)))
      if (!Array.isArray(answer) || answer.length !== keys.length) throw new StoreFault('failed')
      return answer.map(textOf)
    },
    set: async (key, text, ttlMs) => {
      // To many a store nothing, 0 and what is below it mean for ever.
      const ttl = Math.max(1, Math.ceil(ttlMs))
      if ((await store.set(key, text, takesTimes(store) ? Date.now() + ttl : ttl)) === false) throw new StoreFault('failed')
    },
    delete: async (key) => void (await store.delete(key)),
  }
}

/** What is there and no text is not ours: it opens as nothing. */
function textOf(answer: unknown): string | undefined {
  if (answer === undefined || answer === null) return undefined
  return typeof answer === 'string' ? answer : ''
}

/** A Keyv (which has `stats`) takes milliseconds whatever its adapter takes. */
function takesTimes(store: KeyvStore): boolean {
  const { capabilities, stats } = store as { readonly capabilities?: { readonly expires?: unknown }; readonly stats?: unknown } // looked at, not trusted
  return stats === undefined && capabilities?.expires === true
}

/** Throws `CONFIGURATION` for what cannot be a store, a connection string above all: Keyv itself would silently make a map of it. */
export function assertStore(store: unknown): asserts store is KeyvStore {
  const remedy = "give a Keyv over an adapter, such as new Keyv(new KeyvRedis('redis://…')), or the adapter itself"
  if (typeof store !== 'object' || store === null) throw wrongOption(`\`store\` is ${described(store)}`, remedy)
  for (const method of ['get', 'set', 'delete']) {
    if (typeof Reflect.get(store, method) !== 'function') throw wrongOption(`\`store\` has no ${method}()`, remedy)
  }
}

/** A map of this process, or a Keyv over one; each keeps what it stands on as `store`. */
export function isInProcess(store: KeyvStore): boolean {
  let at: unknown = store
  for (let depth = 0; depth < 4 && typeof at === 'object' && at !== null; depth += 1) {
    if (at instanceof Map) return true
    at = Reflect.get(at, 'store')
  }
  return false
}
