import { faultOf, StoreFault } from './errors.ts'

/** What a method of an emitter returns, of Node.js' kind or Keyv's; `undefined` where what the user gave is none. */
export function emitterCall(given: object, method: 'on' | 'off' | 'listeners' | 'listenerCount', ...rest: unknown[]): unknown {
  const call: unknown = Reflect.get(given, method)
  return typeof call === 'function' ? call.apply(given, rest) : undefined
}

/**
 * A connection that is lost is an event, which ends the process where nobody listens to it. The cache goes on without, and tells what then
 * fails; so it listens where the user does not.
 */
export function outlive(connection: object | undefined): void {
  if (connection === undefined) return
  if (!emitterCall(connection, 'listenerCount', 'error')) emitterCall(connection, 'on', 'error', () => {})
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
export function heardOf(store: object): { readonly heard: <T>(call: () => Promise<Outcome<T>>) => Promise<T>; readonly close: () => void } {
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

function isDisconnected(store: object): boolean {
  return layersOf(store).some((layer) => memberOf(memberOf(layer, 'client'), 'isOpen') === false)
}

/** The member, whether of the object or of its class. */
function memberOf(object: unknown, member: string): unknown {
  return typeof object === 'object' && object !== null ? Reflect.get(object, member) : undefined
}

export function layersOf(store: object): readonly object[] {
  const layers: object[] = []
  let at: unknown = store
  while (layers.length < 4 && typeof at === 'object' && at !== null) {
    layers.push(at)
    at = Reflect.get(at, 'store')
  }
  return layers
}
