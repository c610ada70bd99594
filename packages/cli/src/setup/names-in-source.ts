/** A variable that a source reads, and the line. */
export interface NameInSource {
  readonly name: string
  readonly line: number
}

const environment = 'process.env'
/** The most characters of a list of names that is taken from `process.env`. */
const mostCharacters = 4_000

/** The names in `process.env.X`, `process.env['X']` and `const { X, Y: z = '' } = process.env`. */
export function namesInSource(text: string): NameInSource[] {
  const found: NameInSource[] = []
  for (let at = text.indexOf(environment); at !== -1; at = text.indexOf(environment, at + 1)) {
    const line = text.slice(0, at).split('\n').length
    const names = [...namesBehind(text.slice(at + environment.length, at + environment.length + 200)), ...namesBefore(text, at)]
    found.push(...names.map((name) => ({ name, line })))
  }
  return found
}

function namesBehind(text: string): string[] {
  const [, plain, , quoted] = /^(?:!|\?)?\s*(?:\.\s*([A-Za-z_]\w*)|(?:\.\s*)?\[\s*(['"`])([A-Za-z_]\w*)\2\s*\])/.exec(text) ?? []
  return [plain, quoted].filter((name) => name !== undefined)
}

/** The members between the braces of a destructuring, without those of what is in it. */
function namesBefore(text: string, at: number): string[] {
  const before = text.slice(Math.max(0, at - mostCharacters), at)
  const [list] = /\{[^{}]*\}\s*(?::[^=;{}]*)?=\s*$/.exec(before) ?? []
  if (list === undefined) return []
  const members = list.slice(1, list.lastIndexOf('}')).replaceAll(/\/\/.*|\/\*[^]*?\*\//g, '')
  return members.split(',').flatMap((member) => /^\s*(['"]?)([A-Za-z_]\w*)\1\s*(?:[:=]|$)/.exec(member)?.[2] ?? [])
}
