import { inspect } from 'node:util'
import { SecretsError } from '@finchat/secrets-core'
import { encodingsOf, readingsOf } from './encodings.ts'

/**
 * Searches `thing` for `canary` at any depth: message, stack, cause, hidden and symbol members, accessors, keys, bytes,
 * `JSON.stringify`, `util.inspect`. Returns where it was found; empty if nowhere. Choose a canary of at least 12 characters
 * that occurs nowhere else. Throws `INVALID_ARGUMENT` for one of less than 8 bytes. It is found as text, as bytes in UTF-8 and UTF-16, and as a list of
 * their numbers. It is also found in hex and base64 (once or twice), and in the escapes of URLs, JSON and HTML.
 *
 * Out of sight are variables of closures, `#private` members, targets of a `WeakMap` or `WeakRef`, and unlisted keys of a
 * proxy. So is a canary that was split, reversed, encrypted, hashed or compressed. Check these with a heap snapshot
 * (`v8.writeHeapSnapshot`).
 *
 * @example
 * import { leaksOf } from '@finchat/secrets-testkit'
 *
 * const leaky = new Error('refused', { cause: { body: Buffer.from('the-canary-42').toString('base64') } })
 * console.log(leaksOf(leaky, 'the-canary-42').includes('.cause.body')) // true
 */
export function leaksOf(thing: unknown, canary: string): readonly string[] {
  if (Buffer.byteLength(canary) < leastBytes) throw tooShort()
  const needles = encodingsOf(canary)
  const holds = (text: string): boolean => readingsOf(text).some((reading) => needles.some((needle) => reading.includes(needle)))
  const rendered = Object.entries(renderings)
    .filter(([, render]) => holds(textBy(render, thing)))
    .map(([name]) => name)
  const places = [...texts(thing)].filter(([, text]) => holds(text)).map(([place]) => place)
  return [...rendered, ...places]
}

/** What base64 shows of fewer bytes, whatever stands beside them, is a character or none: any text has it. */
const leastBytes = 8

function tooShort(): SecretsError {
  return new SecretsError('INVALID_ARGUMENT', `the canary has less than ${leastBytes} bytes, which any text may hold by chance`, {
    remedy: 'give the secret of the test a value of at least 12 characters',
  })
}

const renderings: Record<string, (thing: unknown) => string | undefined> = {
  String: (thing) => String(thing),
  'JSON.stringify': (thing) => JSON.stringify(thing),
  'util.inspect': (thing) =>
    inspect(thing, { showHidden: true, depth: Infinity, getters: true, maxStringLength: Infinity, maxArrayLength: Infinity }),
}

/** A value that cannot be rendered (a cycle in JSON, a throwing accessor) reveals nothing. */
function textBy(render: (thing: unknown) => string | undefined, thing: unknown): string {
  try {
    return render(thing) ?? ''
  } catch {
    return ''
  }
}

/** Every text and byte array that can be reached from `thing`, with its path. */
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
    return undefined // a throwing accessor reveals nothing
  }
}
