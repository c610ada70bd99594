/** A member of the object or its class, but not of a polluted `Object.prototype`. */
export function own(thing: unknown, member: PropertyKey): unknown {
  if (typeof thing !== 'object' || thing === null) return undefined
  return !(member in Object.prototype) || isNearer(thing, member) ? Reflect.get(thing, member) : undefined
}

function isNearer(thing: object, member: PropertyKey): boolean {
  for (let place: object | null = thing; place !== null && place !== Object.prototype; place = Object.getPrototypeOf(place))
    if (Object.hasOwn(place, member)) return true
  return false
}

/** A copy in which each of these members is an own property. */
export function ownMembers<T extends object>(thing: T, members: readonly string[]): T {
  const copy: Record<string, unknown> = {}
  for (const member of members) copy[member] = own(thing, member)
  return copy as T // the same members, of the same types
}

/** For `Object.defineProperty`, which also reads inherited members of a descriptor. */
export function descriptor(value: unknown, enumerable: boolean): PropertyDescriptor {
  return Object.assign(Object.create(null), { value, enumerable })
}

/** True for plain objects and modules, not for an array, Map or Promise. */
export function isRecord(thing: unknown): thing is object {
  return typeof thing === 'object' && ['Object', 'Module'].includes(tagOf(thing))
}

export function tagOf(thing: unknown): string {
  return Object.prototype.toString.call(thing).slice(8, -1)
}
