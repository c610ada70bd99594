/**
 * Returns the variables that the text of a `.env` file sets, by the rules of dotenv. `parseEnv` of
 * Node.js gives `export A=` the name "export A", and a blank value the text of the next line.
 *
 * @example
 * import { parseDotenv } from '@finchat/secrets-core/provider'
 *
 * console.log(parseDotenv('export TOKEN=hunter2 # of the API').get('TOKEN')) // hunter2
 */
export function parseDotenv(given: string): ReadonlyMap<string, string> {
  return new Map([...dotenvLines(given)].flatMap(({ name, value }) => (name === undefined ? [] : [[name, value]])))
}

/** A line of a `.env` file that is neither blank nor a remark. */
export interface DotenvLine {
  /** From 1. */
  readonly line: number
  /** `undefined`: the line is no assignment, and `parseDotenv` skips it. */
  readonly name: string | undefined
  readonly value: string
}

/**
 * Yields what `parseDotenv` reads, with the number of its line, and the lines that it skips. A value
 * of several lines is one assignment.
 *
 * @example
 * import { dotenvLines } from '@finchat/secrets-core/provider'
 *
 * const skipped = [...dotenvLines('TOKEN=hunter2\nTOKEN')].filter(({ name }) => name === undefined)
 * console.log(skipped.map(({ line }) => line)) // [ 2 ]
 */
export function* dotenvLines(given: string): Generator<DotenvLine> {
  // No regular expression: RegExp.input would keep the text.
  const text = given.replaceAll('\r', '')
  for (let at = 0, number = 1; at < text.length;) {
    const line = text.slice(at, lineEnd(text, at))
    const equals = line.indexOf('=')
    const name = line.slice(0, Math.max(equals, 0)).trim()
    const isSet = name !== '' && !name.startsWith('#')
    const { value, end } = isSet ? valueAt(text, at + equals + 1) : { value: '', end: at + line.length }
    if (isSet || !isRemark(line)) yield { line: number, name: isSet ? withoutExport(name) : undefined, value }
    number += lineFeeds(text, at, end) + 1
    at = end + 1
  }
}

function isRemark(line: string): boolean {
  const text = line.trim()
  return text === '' || text.startsWith('#')
}

function lineFeeds(text: string, from: number, to: number): number {
  let count = 0
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) count++
  return count
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end === -1 ? text.length : end
}

function withoutExport(name: string): string {
  const rest = name.startsWith('export') ? name.slice('export'.length) : ''
  return rest.trimStart() === rest ? name : rest.trimStart()
}

/** A quoted value may end in a later line. */
function valueAt(text: string, from: number): { readonly value: string; readonly end: number } {
  const end = lineEnd(text, from)
  const line = text.slice(from, end).trim()
  const quote = line.charAt(0)
  if (!['"', "'", '`'].includes(quote)) return { value: line.split('#', 1).join('').trimEnd(), end }
  const start = text.indexOf(quote, from) + 1
  const close = text.indexOf(quote, start)
  if (close === -1) return { value: line, end }
  const quoted = text.slice(start, close)
  return { value: quote === '"' ? quoted.replaceAll('\\n', '\n') : quoted, end: lineEnd(text, close) }
}
