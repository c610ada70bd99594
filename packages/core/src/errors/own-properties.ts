/**
 * What the thing itself says, or its class: what somebody put on the prototype of every object (a prototype that was polluted, as by a
 * careless merge of JSON) is nobody's option and nobody's answer.
 */
export function own(thing: unknown, member: PropertyKey): unknown {
  if (typeof thing !== 'object' || thing === null) return undefined
  return !(member in Object.prototype) || isNearer(thing, member) ? Reflect.get(thing, member) : undefined
}

function isNearer(thing: object, member: PropertyKey): boolean {
  for (let place: object | null = thing; place !== null && place !== Object.prototype; place = Object.getPrototypeOf(place))
    if (Object.hasOwn(place, member)) return true
  return false
}

/** A copy with these members, each its own: `undefined` where the thing has none, so that nothing else shines through. */
export function ownMembers<T extends object>(thing: T, members: readonly string[]): T {
  const copy: Record<string, unknown> = {}
  for (const member of members) copy[member] = own(thing, member)
  return copy as T // the same members, of the same types
}

/** A descriptor that has just these members, for `Object.defineProperty`, which reads inherited ones too. */
export function descriptor(value: unknown, enumerable: boolean): PropertyDescriptor {
  return Object.assign(Object.create(null), { value, enumerable })
}

/** Whether this is an object whose members say something: not a list, a Map, a Promise or the like. */
export function isRecord(thing: unknown): thing is object {
  return typeof thing === 'object' && ['Object', 'Module'].includes(tagOf(thing))
}

/** What `Object.prototype.toString` calls it. */
export function tagOf(thing: unknown): string {
  return Object.prototype.toString.call(thing).slice(8, -1)
}
