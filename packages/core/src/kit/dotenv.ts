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
  const text = given.replaceAll('\r\n', '\n').replaceAll('\r', '\n')
  const variables = new Map<string, string>()
  for (let at = text.startsWith('\ufeff') ? 1 : 0; at < text.length;) {
    const end = lineEnd(text, at)
    const equals = text.slice(at, end).indexOf('=')
    const name = equals === -1 ? '' : nameIn(text.slice(at, at + equals))
    const found = name === '' ? { value: '', end } : valueAt(text, at + equals + 1, end)
    if (name !== '') variables.set(name, found.value)
    at = found.end + 1
  }
  return variables
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end === -1 ? text.length : end
}

/** Empty for a comment. */
function nameIn(text: string): string {
  const name = trimmed(text)
  if (name.startsWith('#')) return ''
  const exported = name.startsWith('export') ? trimmed(name.slice('export'.length)) : ''
  return exported !== '' && exported.length < name.length - 'export'.length ? exported : name
}

/** A quoted value may end in a later line. */
function valueAt(text: string, from: number, end: number): { readonly value: string; readonly end: number } {
  const line = trimmed(text.slice(from, end))
  const quote = line.charAt(0)
  if (quote === '' || !'"\'`'.includes(quote)) return { value: withoutComment(line), end }
  const start = text.indexOf(quote, from) + 1
  const close = text.indexOf(quote, start)
  if (close === -1) return { value: line, end }
  const quoted = text.slice(start, close)
  return { value: quote === '"' ? quoted.replaceAll('\\n', '\n') : quoted, end: lineEnd(text, close) }
}

function withoutComment(line: string): string {
  const comment = line.indexOf('#')
  return comment === -1 ? line : trimmed(line.slice(0, comment))
}

/** Without blanks around it. `trim` would take other characters of an unquoted value, too. */
function trimmed(text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && isBlank(text.charAt(start))) start += 1
  while (start < end && isBlank(text.charAt(end - 1))) end -= 1
  return text.slice(start, end)
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t'
}
