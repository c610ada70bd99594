import { tagOf } from './own-properties.ts'

/** A stranger's text for an error message: on one line, printable, short. */
export function quoted(text: unknown): string {
  if (typeof text !== 'string') return text === null ? 'null' : typeof text
  const shown = JSON.stringify(text.slice(0, 40)).replaceAll(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return text.length > 40 ? `${shown}… (${text.length} characters)` : shown
}

const collections = new Set(['Map', 'Set', 'Date', 'URL', 'URLSearchParams', 'Uint8Array'])

/** What somebody passed instead of what was asked for, for a message; text is not shown. */
export function described(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  if (typeof value !== 'object') return typeof value === 'string' ? 'text' : `a ${typeof value}`
  if (Array.isArray(value)) return 'an array'
  if (value instanceof Promise) return 'a Promise (await it)'
  if (collections.has(tagOf(value))) return `a ${tagOf(value)}`
  return 'reveal' in value ? 'a SecretValue (use reveal())' : 'an object'
}
