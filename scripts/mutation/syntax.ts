import { parseAst } from 'vitest/node'

/** A node of the syntax tree (ESTree, with TypeScript's), as far as mutation looks at it. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [member: string]: unknown
}

export function syntaxOf(source: string): SyntaxNode {
  return asNode(parseAst(source, { lang: 'ts' })) ?? { type: 'Program', start: 0, end: 0 }
}

export function asNode(value: unknown): SyntaxNode | undefined {
  const isNode = typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string' && 'start' in value
  return isNode ? (value as SyntaxNode) : undefined // the parser gives each node its place
}

/** The nodes right below this one that run: types do not. */
export function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  return Object.entries(node).flatMap(([member, value]) => {
    if (isKept(node, member)) return []
    const values: readonly unknown[] = Array.isArray(value) ? value : [value]
    return values.flatMap((each) => asNode(each) ?? []).filter(runs)
  })
}

/** What looks like TypeScript, but is an expression all the same. */
const expressions = new Set(['TSAsExpression', 'TSNonNullExpression', 'TSSatisfiesExpression'])
const silent = new Set(['ImportDeclaration', 'ExportAllDeclaration', 'TemplateElement'])

function runs({ type }: SyntaxNode): boolean {
  return expressions.has(type) || !(type.startsWith('TS') || silent.has(type))
}

/** Names of members and what declares a module are what they are. */
function isKept(node: SyntaxNode, member: string): boolean {
  if (member === 'key') return node['computed'] !== true
  return member === 'source' && node.type.startsWith('Export')
}
