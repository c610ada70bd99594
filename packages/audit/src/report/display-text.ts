import { isoTime } from '../record/record-text.ts'
import { pseudonymIn } from '../record/sealed-name.ts'
import type { ReportColumn } from './tables.ts'

/**
 * Invisible characters, and those that change others: controls, direction marks, separators,
 * surrogates.
 */
const unseen = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]|\p{Default_Ignorable_Code_Point}/gu

const longestShown = 200

/**
 * Makes all of a text visible: invisible characters are escaped as `\u202e`, and long text is
 * truncated.
 */
export function seen(text: string, longest: number = longestShown): string {
  const cut = text.length <= longest ? text : text.slice(0, longest)
  const visible = cut.replaceAll(unseen, (character) => Array.from({ length: character.length }, (_, at) => escape(character, at)).join(''))
  return cut === text ? visible : `${visible}… (${grouped(text.length)} characters)`
}

function escape(character: string, at: number): string {
  return `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`
}

/** A cell's value, before it is escaped for a format. */
export function shown(value: string | number | undefined, kind: ReportColumn['kind']): string {
  if (value === undefined) return '–'
  if (typeof value === 'string') return value === '' ? '(empty)' : seen(unopened(value))
  if (kind === 'share') return percent(value)
  return kind === 'time' ? minute(value) : grouped(value)
}

/** A sealed name is long, and says nothing but its pseudonym. */
export function unopened(text: string): string {
  const pseudonym = pseudonymIn(text)
  return pseudonym === undefined ? text : `sealed name ${pseudonym}`
}

/** `2026-11-25 17:05`, UTC. */
export function minute(time: number): string {
  return isoTime(time)?.replace('T', ' ').slice(0, -8) ?? '–'
}

/** `0.05 %`: at least one digit that is not zero. */
function percent(share: number): string {
  return `${new Intl.NumberFormat('en', { maximumSignificantDigits: 2 }).format(100 * share)} %`
}

/** Says which rows a table shows, unless it shows all. */
export function leftOutNote(shownRows: number, rows: number, order: string = 'in their order'): string[] {
  if (shownRows >= rows) return []
  return [`${grouped(shownRows)} of ${grouped(rows)} rows: ${order}. The report as CSV has all.`]
}

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const

/** `2 hours`, rounded up to a whole number of the largest unit that fits. */
export function duration(ms: number): string {
  const [unit, length] = units.find(([, each]) => ms >= each) ?? ['second', 1_000]
  const count = Math.max(1, Math.ceil(ms / length))
  return `${grouped(count)} ${unit}${count === 1 ? '' : 's'}`
}

const english = new Intl.NumberFormat('en')

/** `80,000` */
export function grouped(value: number): string {
  return english.format(value)
}

const references: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** For an element or a quoted attribute. */
export function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => references[character] ?? character)
}

/** Foreign text in an element, its direction isolated from its neighbours. */
export function isolated(text: string): string {
  return `<bdi>${escaped(seen(unopened(text)))}</bdi>`
}
