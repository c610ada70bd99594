import { heardOf, layersOf } from './error-events.ts'
import { described, StoreFault, wrongOption } from './errors.ts'

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
  /** Listens to the store no longer, where others do: an error that nobody hears ends the process. */
  readonly close: () => void
}

/** The user's store, whose own namespaces, hooks and statistics are its own affair: all it sees is hashes and sealed texts. */
export function textStoreOf(store: KeyvStore): TextStore {
  const { heard, close } = heardOf(store)
  return {
    getMany: (keys) =>
      heard(async () => {
        const answer = await manyOf(store, keys)
        if (!Array.isArray(answer) || answer.length !== keys.length) throw new StoreFault('failed')
        const texts = answer.map(textOf)
        return { answer: texts, isSure: !texts.includes(undefined) }
      }),
    set: (key, text, ttlMs) =>
      heard(async () => {
        // To many a store nothing, 0 and what is below it mean for ever.
        const ttl = Math.max(1, Math.ceil(ttlMs))
        const wrote = await store.set(key, text, takesTimes(store) ? Date.now() + ttl : ttl)
        // The adapters of Keyv 5 answer nothing, whether they wrote or not.
        return { answer: undefined, isSure: wrote === true, ...(wrote === false && { otherwise: new StoreFault('failed') }) }
      }),
    delete: (key) => heard(async () => ({ answer: undefined, isSure: Boolean(await store.delete(key)) })),
    close,
  }
}

async function manyOf(store: KeyvStore, keys: readonly string[]): Promise<unknown> {
  const getMany: unknown = Reflect.get(store, 'getMany')
  return typeof getMany === 'function' ? getMany.call(store, [...keys]) : Promise.all(keys.map(async (key) => store.get(key)))
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
  const remedy = "give an adapter, such as new KeyvRedis('redis://…'), or a Keyv over one"
  if (typeof store !== 'object' || store === null) throw wrongOption(`\`store\` is ${described(store)}`, remedy)
  for (const method of ['get', 'set', 'delete']) {
    if (typeof Reflect.get(store, method) !== 'function') throw wrongOption(`\`store\` has no ${method}()`, remedy)
  }
}

/** A map of this process, or a Keyv over one; each keeps what it stands on as `store`. */
export function isInProcess(store: KeyvStore): boolean {
  return layersOf(store).some((layer) => layer instanceof Map)
}
