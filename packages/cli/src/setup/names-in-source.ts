/** A variable that a source reads, and the line. */
export interface NameInSource {
  readonly name: string
  readonly line: number
}

/** The most characters of a list of names that is taken from `process.env`. */
const mostCharacters = 4_000

/**
 * The names in `process.env.X`, `process.env['X']` and `const { X, Y: z = '' } = process.env`, also
 * where the source gives `process.env` another name.
 */
export function namesInSource(text: string): NameInSource[] {
  const environment = new RegExp(
    [String.raw`(?<![\w$])process(?:\s*\n\s*)?\??\.env(?![\w$])`, ...aliasesIn(text).map(asWord)].join('|'),
    'g',
  )
  return [...text.matchAll(environment)].flatMap(({ 0: found, index }) => {
    const end = index + found.length
    const line = text.slice(0, end).split('\n').length
    const names = [...namesBehind(text.slice(end, end + 200)), ...namesBefore(text, index)]
    return names.filter((name) => found.endsWith('.env') || isCapital(name)).map((name) => ({ name, line }))
  })
}

/** Another thing may have the short name too, such as `e.message`. */
function isCapital(name: string): boolean {
  return name === name.toUpperCase()
}

const assignment = /\b(?:const|let|var)\s+(\w+)\s*(?::[^=;{}]{0,100})?=\s*process\.env\s*(?:;|$)/gm
/** The repetitions have bounds: without them, a long file of one line takes minutes. */
const lists =
  /\b(?:const|let|var|import)\b[^;{}'"=]{0,100}\{([^{}]{0,1000})\}\s*(?:=\s*process\s*(?:;|$)|(?:=\s*require\(\s*|from\s*)['"](?:node:)?process['"])/gm
const listed = /(?:^|,)\s*env\s*(?:(?::|\bas\b)\s*(\w+)\s*)?(?:,|$)/

/** What `const env = process.env`, `const { env } = process` and `import { env } from 'node:process'` call it. */
function aliasesIn(text: string): string[] {
  const assigned = [...text.matchAll(assignment)].flatMap(([, alias = '']) => alias)
  const inLists = [...text.matchAll(lists)].flatMap(([, list = '']) => {
    const found = listed.exec(list)
    return found === null ? [] : (found[1] ?? 'env')
  })
  return [...new Set([...assigned, ...inLists])]
}

function asWord(name: string): string {
  return String.raw`(?<![\w$.])${name}(?![\w$])`
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
