import { inspect } from 'node:util'
import { encodingsOf, readingsOf } from './encodings.ts'

/**
 * Where `canary` can be found in `thing`, however deep: message, stack, cause, hidden and symbol members, accessors, keys, bytes,
 * `JSON.stringify`, `util.inspect`. Returns the places, none if nothing leaks. Choose a canary of at least 12 characters that occurs
 * nowhere else. It is found as text, as bytes in UTF-8 and UTF-16, as a list of their numbers, in hex and base64, once or twice, and in the
 * escapes of URLs, JSON and HTML.
 *
 * It cannot see what JavaScript hides: the variables of closures and the source of functions, `#private` members, what a `WeakMap` or a
 * `WeakRef` leads to, what a proxy answers to keys that it does not list. Nor does it know a canary that was cut into pieces, reversed,
 * encrypted, hashed or compressed. That such places keep no value, only a heap snapshot shows (`v8.writeHeapSnapshot`).
 *
 * @example
 * import { leaksOf } from '@finchat/secrets-testkit'
 *
 * const leaky = new Error('refused', { cause: { body: Buffer.from('the-canary-42').toString('base64') } })
 * console.log(leaksOf(leaky, 'the-canary-42').includes('.cause.body')) // true
 */
export function leaksOf(thing: unknown, canary: string): readonly string[] {
  const needles = encodingsOf(canary)
  const holds = (text: string): boolean => readingsOf(text).some((reading) => needles.some((needle) => reading.includes(needle)))
  const rendered = Object.entries(renderings)
    .filter(([, render]) => holds(textBy(render, thing)))
    .map(([name]) => name)
  const places = [...texts(thing)].filter(([, text]) => holds(text)).map(([place]) => place)
  return [...rendered, ...places]
}

const renderings: Record<string, (thing: unknown) => string | undefined> = {
  String: (thing) => String(thing),
  'JSON.stringify': (thing) => JSON.stringify(thing),
  'util.inspect': (thing) =>
    inspect(thing, { showHidden: true, depth: Infinity, getters: true, maxStringLength: Infinity, maxArrayLength: Infinity }),
}

/** What cannot be rendered (a cycle in JSON, a throwing accessor) shows nothing either. */
function textBy(render: (thing: unknown) => string | undefined, thing: unknown): string {
  try {
    return render(thing) ?? ''
  } catch {
    return ''
  }
}

/** Every text and every run of bytes that can be reached from `thing`, with the way to it. */
function* texts(thing: unknown, place = '', seen: Set<unknown> = new Set()): Generator<readonly [place: string, text: string]> {
  if (typeof thing === 'string') yield [place, thing]
  if ((typeof thing !== 'object' && typeof thing !== 'function') || thing === null || seen.has(thing)) return
  seen.add(thing)
  if (ArrayBuffer.isView(thing)) {
    yield [place, Buffer.from(thing.buffer, thing.byteOffset, thing.byteLength).toString('latin1')]
    return
  }
  if (thing instanceof Map || thing instanceof Set) yield* texts([...thing.entries()], `${place}.entries()`, seen)
  for (const key of Reflect.ownKeys(thing)) {
    if (typeof key === 'string') yield [`${place} (a key)`, key]
    yield* texts(memberOf(thing, key), `${place}.${String(key)}`, seen)
  }
}

function memberOf(thing: object, key: PropertyKey): unknown {
  try {
    return Reflect.get(thing, key)
  } catch {
    return undefined // a throwing accessor gives nothing away
  }
}
