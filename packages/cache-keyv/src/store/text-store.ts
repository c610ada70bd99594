import { configurationError, described } from '@finchat/secrets-core/provider'
import { layersOf, listenForErrors } from './error-events.ts'
import { StoreFault } from './errors.ts'

/**
 * A Keyv or an adapter. `set` takes a TTL in milliseconds; an adapter with
 * `capabilities: { expires: true }` (Keyv 6) takes the time of expiry. `getMany` is optional.
 */
export interface KeyvStore {
  readonly get: (key: string) => unknown
  readonly set: (key: string, value: string, ttl?: number) => unknown
  readonly delete: (key: string) => unknown
}

/** Every method rejects if the store reports a failure. */
export interface TextStore {
  readonly getMany: (keys: readonly string[]) => Promise<readonly (string | undefined)[]>
  readonly set: (key: string, text: string, ttlMs: number) => Promise<void>
  readonly delete: (key: string) => Promise<void>
  /** Removes the error listener, unless it is the only one. */
  readonly close: () => void
}

export function textStoreOf(store: KeyvStore): TextStore {
  const { check, close } = listenForErrors(store)
  return {
    getMany: (keys) =>
      check(async () => {
        const answer = await getMany(store, keys)
        if (!Array.isArray(answer) || answer.length !== keys.length) throw new StoreFault('failed')
        const texts = answer.map(textOf)
        return { answer: texts, isSure: !texts.includes(undefined) }
      }),
    set: (key, text, ttlMs) =>
      check(async () => {
        // Many stores keep a value for ever if the TTL is missing, 0 or negative.
        const ttl = Math.max(1, Math.ceil(ttlMs))
        const isWritten = await store.set(key, text, takesExpiry(store) ? Date.now() + ttl : ttl)
        // Adapters of Keyv 5 answer `undefined`, whether they wrote or not.
        return { answer: undefined, isSure: isWritten === true, ...(isWritten === false && { otherwise: new StoreFault('failed') }) }
      }),
    delete: (key) => check(async () => ({ answer: undefined, isSure: Boolean(await store.delete(key)) })),
    close,
  }
}

async function getMany(store: KeyvStore, keys: readonly string[]): Promise<unknown> {
  const many: unknown = Reflect.get(store, 'getMany')
  return typeof many === 'function' ? many.call(store, [...keys]) : Promise.all(keys.map(async (key) => store.get(key)))
}

/** An answer that is not text opens as nothing. */
function textOf(answer: unknown): string | undefined {
  if (answer === undefined || answer === null) return undefined
  return typeof answer === 'string' ? answer : ''
}

/** A Keyv has `stats`, and takes a TTL whatever its adapter takes. */
function takesExpiry(store: object): boolean {
  const { capabilities, stats } = store as { readonly capabilities?: { readonly expires?: unknown }; readonly stats?: unknown } // compared only
  return stats === undefined && capabilities?.expires === true
}

/** Keyv 5 hands its adapter a TTL, which one for Keyv 6 takes for a time in 1970. */
function isKeyv5OverAdapter6(store: object): boolean {
  const adapter: unknown = Reflect.get(store, 'store')
  const isKeyv5 = Reflect.has(store, 'opts') && Reflect.has(store, 'stats')
  return isKeyv5 && typeof adapter === 'object' && adapter !== null && takesExpiry(adapter)
}

/** Refuses a connection string, which Keyv would turn into a map. */
export function assertStore(store: unknown): asserts store is KeyvStore {
  const remedy = "give an adapter, such as new KeyvRedis('redis://…'), or a Keyv over one"
  if (typeof store !== 'object' || store === null) throw configurationError(`\`store\` is ${described(store)}`, remedy)
  for (const method of ['get', 'set', 'delete']) {
    if (typeof Reflect.get(store, method) !== 'function') throw configurationError(`\`store\` has no ${method}()`, remedy)
  }
  if (isKeyv5OverAdapter6(store))
    throw configurationError(
      '`store` is a Keyv 5 over an adapter for Keyv 6, so that each entry would end at once',
      'give the adapter itself, or install Keyv and adapter of the same major version',
    )
}

export function isInProcess(store: KeyvStore): boolean {
  return layersOf(store).some((layer) => layer instanceof Map)
}
