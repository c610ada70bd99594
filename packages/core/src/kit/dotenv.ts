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
  // No regular expression: RegExp.input would keep the text.
  const text = given.replaceAll('\r', '')
  const variables = new Map<string, string>()
  for (let at = 0; at < text.length;) {
    const line = text.slice(at, lineEnd(text, at))
    const equals = line.indexOf('=')
    const name = line.slice(0, Math.max(equals, 0)).trim()
    const isSet = name !== '' && !name.startsWith('#')
    const { value, end } = isSet ? valueAt(text, at + equals + 1) : { value: '', end: at + line.length }
    if (isSet) variables.set(withoutExport(name), value)
    at = end + 1
  }
  return variables
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
