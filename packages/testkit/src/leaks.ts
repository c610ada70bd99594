import { inspect } from 'node:util'

/**
 * Where `canary` can be found in `thing`, however deep and in whatever encoding: message, stack, cause, hidden and symbol members,
 * accessors, bytes, `JSON.stringify`, `util.inspect`. Returns the places, none if nothing leaks.
 * Choose a canary of at least 12 characters that occurs nowhere else.
 *
 * @example
 * import { leaksOf } from '@finchat/secrets-testkit'
 *
 * const leaky = new Error('refused', { cause: { body: Buffer.from('the-canary-42').toString('base64') } })
 * console.log(leaksOf(leaky, 'the-canary-42').includes('.cause.body')) // true
 */
export function leaksOf(thing: unknown, canary: string): readonly string[] {
  const needles = encodingsOf(canary)
  const holds = (text: string): boolean => needles.some((needle) => text.toLowerCase().includes(needle))
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

/** The canary in lower case as text, URL, JSON, hex, bytes as inspect shows them, and base64 at each of its three alignments. */
function encodingsOf(canary: string): readonly string[] {
  const bytes = Buffer.from(canary)
  const hex = bytes.toString('hex')
  const base64 = [0, 1, 2].map((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replaceAll('=', '')
    return whole.slice(shift === 0 ? 0 : 4, -2) // the first and last characters depend on the canary's neighbours
  })
  const base64url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
  const shown = [hex.replaceAll(/(..)(?!$)/g, '$1 '), bytes.join(', '), bytes.join(',')]
  const all = [canary, encodeURIComponent(canary), JSON.stringify(canary).slice(1, -1), hex, ...base64, ...base64url, ...shown]
  return [...new Set(all.map((text) => text.toLowerCase()))]
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
