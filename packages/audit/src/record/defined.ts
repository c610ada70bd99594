/** The members that are known. Absent and `undefined` are the same in JSON, but not to those who look for members. */
export type Defined<T> = { [member in keyof T]?: Exclude<T[member], undefined> }

export function defined<T extends object>(members: T): Defined<T> {
  const known = Object.entries(members).filter(([, value]) => value !== undefined)
  return Object.fromEntries(known) as Defined<T> // the same members, without those that are undefined
}
