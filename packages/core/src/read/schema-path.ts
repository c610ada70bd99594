import type { StandardSchemaIssue } from '../contract/standard-schema.ts'

/** So many members are named; of a schema that nests without end, so many parts are looked at. */
const mostNamed = 5
const mostParts = 100

/**
 * Where in a value its schema found fault, such as `db.port, hosts[0].name`; `''` where that cannot be told. A key is shown
 * only if the schema declares it: a key of a record, or one that is not known, is part of the secret, and shown as `*`.
 */
export function faultyMembers(schema: unknown, issues: readonly StandardSchemaIssue[]): string {
  const paths = issues.map(({ path = [] }) => shownPath([schema], path.map(keyOf)))
  const named = [...new Set(paths.filter((path) => path !== '' && !path.startsWith('*')))]
  const more = named.length > mostNamed ? ` and ${named.length - mostNamed} more` : ''
  return named.slice(0, mostNamed).join(', ') + more
}

function keyOf(segment: unknown): unknown {
  return typeof segment === 'object' && segment !== null && 'key' in segment ? segment.key : segment
}

function shownPath(schemas: readonly unknown[], [key, ...rest]: readonly unknown[]): string {
  if (key === undefined) return ''
  const parts = schemas.flatMap(partsOf)
  const name = typeof key === 'string' ? key : undefined
  const declared = name === undefined ? [] : parts.flatMap((part) => declaredAt(part, name))
  const elements = parts.flatMap((part) => membersOf(part, ['element', 'item', 'sequence']))
  const isIndex = typeof key === 'number' && elements.length > 0
  const shown = declared.length > 0 ? `.${name}` : isIndex ? `[${key}]` : '.*'
  const values = parts.flatMap((part) => membersOf(part, ['valueType', 'value']))
  const inner = declared.length > 0 ? declared : isIndex ? elements : values
  return `${shown}${inner.length > 0 ? dotted(shownPath(inner, rest)) : ''}`.replace(/^\./, '')
}

function dotted(path: string): string {
  return path === '' || path.startsWith('[') ? path : `.${path}`
}

/** The schema and all that stands for the same value inside it: what an optional, a union or a pipe is made of. */
function partsOf(schema: unknown): readonly unknown[] {
  const parts = new Set([schema])
  for (const part of parts) {
    if (parts.size > mostParts) break
    for (const inner of membersOf(part, ['innerType', 'schema', 'wrapped', 'in', 'out', 'left', 'right', 'options', 'pipe', 'branches']))
      parts.add(inner)
  }
  return [...parts]
}

/** What an object's schema declares under this key: zod's `shape`, valibot's `entries`, arktype's `props`. */
function declaredAt(part: unknown, key: string): readonly unknown[] {
  for (const shape of [read(part, 'shape'), read(part, 'entries')])
    if (isObject(shape) && Object.hasOwn(shape, key)) return [read(shape, key)]
  const props = read(part, 'props')
  const prop: unknown = Array.isArray(props) ? props.find((each) => read(each, 'key') === key) : undefined
  return prop === undefined ? [] : [read(prop, 'value')]
}

/** These members of the part or of its definition; of a list each. */
function membersOf(part: unknown, names: readonly string[]): readonly unknown[] {
  const locations = [part, read(part, 'def'), read(part, '_def'), read(part, 'structure')].filter(isObject)
  return locations
    .flatMap((location) => names.flatMap((name) => read(location, name)))
    .flatMap((member) => read(member, 'variadic') ?? member)
    .filter(isObject)
}

/** A schema is somebody else's object, whose getters may throw. */
function read(thing: unknown, member: string): unknown {
  try {
    return isObject(thing) ? Reflect.get(thing, member) : undefined
  } catch {
    return undefined
  }
}

function isObject(thing: unknown): thing is object {
  return (typeof thing === 'object' && thing !== null) || typeof thing === 'function'
}
