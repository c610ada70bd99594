import { tagOf } from './own-properties.ts'

/**
 * Returns foreign text for an error message: quoted, on one line, printable, at most 40 characters.
 *
 * @example
 * import { quoted } from '@finchat/secrets-core/provider'
 *
 * console.log(quoted('line\nfeed')) // "line\nfeed"
 */
export function quoted(text: unknown): string {
  if (typeof text !== 'string') return text === null ? 'null' : typeof text
  const shown = JSON.stringify(text.slice(0, 40)).replaceAll(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return text.length > 40 ? `${shown}… (${text.length} characters)` : shown
}

const collections = new Set(['Map', 'Set', 'Date', 'URL', 'URLSearchParams', 'Uint8Array'])

/**
 * Returns the kind of a wrong argument for an error message. Text is never shown: it may be a
 * secret.
 *
 * @example
 * import { described } from '@finchat/secrets-core/provider'
 *
 * console.log(described('hunter2'), described([])) // text an array
 */
export function described(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  if (typeof value !== 'object') return typeof value === 'string' ? 'text' : `a ${typeof value}`
  if (Array.isArray(value)) return 'an array'
  if (value instanceof Promise) return 'a Promise (await it)'
  if (collections.has(tagOf(value))) return `a ${tagOf(value)}`
  return 'reveal' in value ? 'a SecretValue (use reveal())' : 'an object'
}
