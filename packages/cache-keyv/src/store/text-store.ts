import { emitterCall } from './error-events.ts'
import { described, wrongOption } from '../wrong-option.ts'
import { faultOf, StoreFault } from './errors.ts'

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

interface Outcome<T> {
  readonly answer: T
  /** The answer tells by itself that nothing failed. */
  readonly isSure: boolean
  /** What an answer that is not sure means by itself. */
  readonly otherwise?: StoreFault
}

/**
 * Listens to the errors that the store tells as events. A Keyv over Redis tells so of every failure: with no listener it ends the process when a connection
 * does, and with one it answers a failed call as if nothing were there. So an answer that may be such a failure is one if something was told meanwhile.
 */
function heardOf(store: KeyvStore): { readonly heard: <T>(call: () => Promise<Outcome<T>>) => Promise<T>; readonly close: () => void } {
  const errors: { count: number; last: unknown } = { count: 0, last: undefined }
  const hear = (error: unknown): void => {
    errors.count += 1
    errors.last = error
  }
  emitterCall(store, 'on', 'error', hear)
  const close = (): void => {
    const listeners = emitterCall(store, 'listeners', 'error')
    if (Array.isArray(listeners) && listeners.length > 1) emitterCall(store, 'off', 'error', hear)
  }
  let answeredAt = -Infinity
  const heard = async <T>(call: () => Promise<Outcome<T>>): Promise<T> => {
    const before = errors.count
    if (isDisconnected(store) && performance.now() - answeredAt < reopenAfterMs) throw new StoreFault('closed')
    const { answer, isSure, otherwise } = await call()
    answeredAt = performance.now()
    if (isSure) return answer
    if (errors.count > before) throw faultOf(errors.last)
    if (otherwise !== undefined) throw otherwise
    return answer
  }
  return { heard, close }
}

/** An adapter over node-redis that is asked then connects again, and its owner, who has just disconnected it, would never end. */
const reopenAfterMs = 1_000

function isDisconnected(store: KeyvStore): boolean {
  return layersOf(store).some((layer) => memberOf(memberOf(layer, 'client'), 'isOpen') === false)
}

/** The member, whether of the object or of its class. */
function memberOf(object: unknown, member: string): unknown {
  return typeof object === 'object' && object !== null ? Reflect.get(object, member) : undefined
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

function layersOf(store: KeyvStore): readonly object[] {
  const layers: object[] = []
  let at: unknown = store
  while (layers.length < 4 && typeof at === 'object' && at !== null) {
    layers.push(at)
    at = Reflect.get(at, 'store')
  }
  return layers
}
