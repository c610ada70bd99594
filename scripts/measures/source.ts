import { parseSync } from 'rolldown/utils'
import { asNode, type SyntaxNode } from '../mutation/syntax.ts'

export interface SourceMeasure {
  /** Lines that hold code, not only comments or space. */
  readonly codeLines: number
  /** Neighbouring line comments are one text. Code of `@example` is left out. */
  readonly comments: readonly string[]
  /** String and template literals; a placeholder stands for each `${…}`. */
  readonly texts: readonly string[]
  /** Names that the file declares or uses, members included, as often as they occur. */
  readonly identifiers: readonly string[]
  /** Lines of code of each function with a block body. */
  readonly functionLengths: readonly number[]
  /**
   * Without comments and imports; each literal is one token, `''` for texts and `0` for numbers.
   */
  readonly tokens: readonly string[]
}

interface Comment {
  readonly type: 'Line' | 'Block'
  readonly value: string
  readonly start: number
  readonly end: number
}

const functionTypes = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])

export function measureSource(source: string): SourceMeasure {
  const { program, comments } = parseSync('source.ts', source)
  const nodes = allNodes(asNode(program))
  const code = blank(source, comments)
  const functions = nodes.filter((node) => functionTypes.has(node.type) && asNode(node['body'])?.type === 'BlockStatement')
  return {
    codeLines: linesIn(code),
    comments: commentTexts(source, comments),
    texts: nodes.flatMap(literalText),
    identifiers: nodes.flatMap((node) => (/^(Private)?Identifier$/.test(node.type) ? [String(node['name'])] : [])),
    functionLengths: functions.map(({ start, end }) => linesIn(code.slice(start, end))),
    tokens: tokensOf(code, nodes),
  }
}

function allNodes(node: SyntaxNode | undefined): SyntaxNode[] {
  if (!node) return []
  const members = Object.values(node).flatMap((value: unknown) => (Array.isArray(value) ? (value as unknown[]) : [value]))
  return [node, ...members.flatMap((member) => allNodes(asNode(member)))]
}

const linesIn = (text: string): number => text.split('\n').filter((line) => line.trim() !== '').length

/** The same text with spaces in the places given; line breaks stay. */
function blank(source: string, places: readonly { readonly start: number; readonly end: number }[], fill = ' '): string {
  let [text, at] = ['', 0]
  for (const { start, end } of [...places].toSorted((a, b) => a.start - b.start)) {
    if (start < at) continue
    text += source.slice(at, start) + source.slice(start, end).replaceAll(/[^\n]/g, fill)
    at = end
  }
  return text + source.slice(at)
}

function commentTexts(source: string, comments: readonly Comment[]): string[] {
  const texts: { text: string; end: number; isLine: boolean }[] = []
  for (const { type, value, start, end } of comments) {
    const isLine = type === 'Line'
    const text = isLine ? value.trim() : value.replaceAll(/^\s*\*+ ?/gm, '').replace(/^@example[\s\S]*?(?=^@|$(?![\s\S]))/m, '')
    const last = texts.at(-1)
    if (isLine && last?.isLine && /^\n\s*$/.test(source.slice(last.end, start))) Object.assign(last, { text: `${last.text}\n${text}`, end })
    else texts.push({ text, end, isLine })
  }
  return texts.map(({ text }) => text.trim())
}

function literalText(node: SyntaxNode): string[] {
  if (node.type === 'Literal' && typeof node['value'] === 'string') return [node['value']]
  if (node.type !== 'TemplateLiteral') return []
  const quasis = (node['quasis'] as { value: { cooked: string | null } }[]).map(({ value }) => value.cooked ?? '')
  return [quasis.join('X')]
}

function tokensOf(code: string, nodes: readonly SyntaxNode[]): string[] {
  const imports = nodes.filter(({ type }) => type === 'ImportDeclaration')
  const texts = nodes.filter(({ type, ...node }) => type === 'TemplateElement' || (type === 'Literal' && typeof node['value'] !== 'number'))
  const words = /^(true|false|null)$/
  const literals = texts.filter(({ start, end }) => !words.test(code.slice(start, end)))
  const plain = blank(blank(code, literals, '"'), imports)
  return [...plain.matchAll(/"[\s"]*|[\w$#]+|[^\s\w$]/g)].map(([token]) => (token.startsWith('"') ? "''" : /^\d/.test(token) ? '0' : token))
}
