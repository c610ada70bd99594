// The rows of docs/where-rules-live.md.

export const page = 'docs/where-rules-live.md'

/** The file and the symbols that decide one rule. */
export interface Row {
  readonly line: number
  /** The headings that it stands under. */
  readonly headings: string
  readonly rule: string
  readonly path: string
  readonly symbols: readonly string[]
}

/** The rows that have a source in their second cell. */
export function rowsOf(text: string): readonly Row[] {
  const headings: string[] = []
  return text.split('\n').flatMap((line, index): Row[] => {
    const [, level = '', heading = ''] = line.match(/^#(#+) (.+)$/) ?? []
    if (heading !== '') headings.splice(level.length - 1, headings.length, heading)
    const [, rule = '', path, symbols = ''] = line.match(/^\| *(.*?) *\| `(packages\/[\w./-]+)` *\|(.*)\|$/) ?? []
    if (path === undefined) return []
    const named = [...symbols.matchAll(/`([^`]+)`/g)].map(([, symbol = '']) => symbol)
    return [{ line: index + 1, headings: headings.join(' '), rule, path, symbols: named }]
  })
}
