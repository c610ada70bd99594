/** What a method of an emitter returns, of Node.js' kind or Keyv's; `undefined` where what the user gave is none. */
export function emitterCall(given: object, method: 'on' | 'off' | 'listeners' | 'listenerCount', ...rest: unknown[]): unknown {
  const call: unknown = Reflect.get(given, method)
  return typeof call === 'function' ? call.apply(given, rest) : undefined
}
