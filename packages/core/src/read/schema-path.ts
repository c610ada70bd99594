import type { StandardSchemaIssue } from '../contract/standard-schema.ts'

/** Bounds: named members, and visited parts of a schema that nests without end. */
const mostNamed = 5
const mostParts = 100

/**
 * Names the members that a schema rejects, such as `db.port, hosts[0].name`; `''` if unknown. A key
 * that the schema does not declare may be secret, and shows as `*`.
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

/** The schema and its inner schemas for the same value, as of an optional, a union or a pipe. */
function partsOf(schema: unknown): readonly unknown[] {
  const parts = new Set([schema])
  for (const part of parts) {
    if (parts.size > mostParts) break
    for (const inner of membersOf(part, ['innerType', 'schema', 'wrapped', 'in', 'out', 'left', 'right', 'options', 'pipe', 'branches']))
      parts.add(inner)
  }
  return [...parts]
}

/** Finds the key in zod's `shape`, valibot's `entries` or arktype's `props`. */
function declaredAt(part: unknown, key: string): readonly unknown[] {
  for (const shape of [read(part, 'shape'), read(part, 'entries')])
    if (isObject(shape) && Object.hasOwn(shape, key)) return [read(shape, key)]
  const props = read(part, 'props')
  const prop: unknown = Array.isArray(props) ? props.find((each) => read(each, 'key') === key) : undefined
  return prop === undefined ? [] : [read(prop, 'value')]
}

function membersOf(part: unknown, names: readonly string[]): readonly unknown[] {
  const locations = [part, read(part, 'def'), read(part, '_def'), read(part, 'structure')].filter(isObject)
  return locations
    .flatMap((location) => names.flatMap((name) => read(location, name)))
    .flatMap((member) => read(member, 'variadic') ?? member)
    .filter(isObject)
}

/** Getters of a foreign schema may throw. */
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
