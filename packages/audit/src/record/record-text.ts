import { loadCrypto } from '@finchat/secrets-core/provider'

/** Bounds a record's size. */
const longestText = 16_384

/**
 * Well-formed text of bounded length; truncated texts still differ by their digest. `undefined` for
 * anything but text.
 */
export function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = value.isWellFormed() ? value : value.toWellFormed()
  if (text.length <= longestText) return text
  const digest = loadCrypto().createHash('sha256').update(text).digest('hex')
  return `${text.slice(0, longestText - digest.length - 8).toWellFormed()}…sha256:${digest}`
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** Whole milliseconds since 1970; the current time for an invalid value. */
export function timeOf(value: unknown): number {
  const time = typeof value === 'number' ? Math.floor(value) : Number.NaN
  return Math.max(0, Number.isSafeInteger(time) ? time : Date.now())
}

/** ISO 8601 in UTC; `undefined` for a time that no date can hold. */
export function isoTime(time: number): string | undefined {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

export function flagOf(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

export function wordOf<Word extends string>(value: unknown, words: readonly Word[]): Word | undefined {
  return words.find((word) => word === value)
}

/** Drops undefined members: JSON does not keep them, and `in` sees them. */
export type Defined<T> = { [member in keyof T]?: Exclude<T[member], undefined> }

export function defined<T extends object>(members: T): Defined<T> {
  const known = Object.entries(members).filter(([, value]) => value !== undefined)
  return Object.fromEntries(known) as Defined<T> // the same members, without those that are undefined
}
