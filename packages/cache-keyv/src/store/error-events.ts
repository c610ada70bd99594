import { faultOf, StoreFault } from './errors.ts'

/** `undefined` if the object is no event emitter. */
export function emitterCall(given: object, method: 'on' | 'off' | 'listeners' | 'listenerCount', ...rest: unknown[]): unknown {
  const call: unknown = Reflect.get(given, method)
  return typeof call === 'function' ? call.apply(given, rest) : undefined
}

/** An `error` event without a listener ends the process. */
export function ignoreConnectionErrors(connection: object | undefined): void {
  if (connection === undefined) return
  if (!emitterCall(connection, 'listenerCount', 'error')) emitterCall(connection, 'on', 'error', () => {})
}

interface Outcome<T> {
  readonly answer: T
  readonly isSure: boolean
  /** The meaning of an unsure answer without an error event. */
  readonly otherwise?: StoreFault
}

export interface ErrorEvents {
  /** Rejects if the answer is unsure and the store emitted an error meanwhile. */
  readonly check: <T>(call: () => Promise<Outcome<T>>) => Promise<T>
  readonly close: () => void
}

/**
 * A Keyv over Redis reports every failure as an `error` event. Without a listener that ends the
 * process; with one, a failed call is answered as if the key were missing.
 */
export function listenForErrors(store: object): ErrorEvents {
  const errors: { count: number; last: unknown } = { count: 0, last: undefined }
  const onError = (error: unknown): void => {
    errors.count += 1
    errors.last = error
  }
  emitterCall(store, 'on', 'error', onError)
  const close = (): void => {
    const listeners = emitterCall(store, 'listeners', 'error')
    if (Array.isArray(listeners) && listeners.length > 1) emitterCall(store, 'off', 'error', onError)
  }
  let answeredAt = -Infinity
  const check = async <T>(call: () => Promise<Outcome<T>>): Promise<T> => {
    const before = errors.count
    if (isDisconnected(store) && performance.now() - answeredAt < reconnectAfterMs) throw new StoreFault('closed')
    const { answer, isSure, otherwise } = await call()
    answeredAt = performance.now()
    if (isSure) return answer
    if (errors.count > before) throw faultOf(errors.last)
    if (otherwise !== undefined) throw otherwise
    return answer
  }
  return { check, close }
}

/**
 * A call makes an adapter over node-redis connect again. If its owner has just disconnected it, the
 * process never ends.
 */
const reconnectAfterMs = 1_000

function isDisconnected(store: object): boolean {
  return layersOf(store).some((layer) => propertyOf(propertyOf(layer, 'client'), 'isOpen') === false)
}

function propertyOf(object: unknown, property: string): unknown {
  return typeof object === 'object' && object !== null ? Reflect.get(object, property) : undefined
}

/** A Keyv and its adapters keep what they wrap as `store`. */
export function layersOf(store: object): readonly object[] {
  const layers: object[] = []
  let layer: unknown = store
  while (layers.length < 4 && typeof layer === 'object' && layer !== null) {
    layers.push(layer)
    layer = Reflect.get(layer, 'store')
  }
  return layers
}
