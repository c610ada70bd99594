// The rules of docs/where-rules-live.md: what a row names is declared there, and no limit is left
// out.
import { isTestCode } from './files.ts'
import { asNode, syntaxOf, type SyntaxNode } from './mutation/syntax.ts'
import { page, rowsOf } from './rule-rows.ts'
import type { Rule } from './structure-rules.ts'

/** The file of each row exists, and declares the symbols that the row names. */
export const rowsNameDeclarations: Rule = (files) =>
  rowsOf(files.get(page) ?? '').flatMap(({ line, path, symbols }) => {
    const source = files.get(path)
    if (source === undefined) return [`${page}:${line}: there is no ${path}`]
    if (symbols.length === 0) return [`${page}:${line}: names no symbol of ${path}`]
    const declared = declaredIn(source)
    return symbols.filter((symbol) => !declared.has(symbol)).map((symbol) => `${page}:${line}: ${path} declares no '${symbol}'`)
  })

/** Each published source that declares a limit at its top level has a row. */
export const limitsHaveRows: Rule = (files) => {
  const named = new Set(rowsOf(files.get(page) ?? '').map(({ path }) => path))
  const sources = [...files].filter(([path]) => /^packages\/[^/]+\/src\/.+\.ts$/.test(path) && !isTestCode(path))
  return sources.flatMap(([path, source]) => {
    const [limit] = named.has(path) ? [] : limitsIn(source)
    return limit === undefined ? [] : [`${page}: say what \`${limit}\` of ${path} limits`]
  })
}

export const whereRules: readonly Rule[] = [rowsNameDeclarations, limitsHaveRows]

/** Where each kind of declaration has its name. */
const names: Readonly<Record<string, 'id' | 'key'>> = {
  FunctionDeclaration: 'id',
  ClassDeclaration: 'id',
  VariableDeclarator: 'id',
  TSInterfaceDeclaration: 'id',
  TSTypeAliasDeclaration: 'id',
  MethodDefinition: 'key',
  PropertyDefinition: 'key',
}

/** Names of top-level declarations, and of the members of classes, `#` included. */
function declaredIn(source: string): ReadonlySet<string> {
  const declarations = topLevelOf(source)
  const members = declarations.flatMap((node) => nodesIn(asNode(node['body']), 'body'))
  return new Set([...declarations, ...members].flatMap((node) => namesOf(asNode(node[names[node.type] ?? '']))))
}

/**
 * Names of top-level constants that are set to numbers, and whose name says that they bound
 * something: `mostTries`, `longestPauseMs`, `maxBytes`.
 */
function limitsIn(source: string): readonly string[] {
  const bounds = /^(most|longest|largest|max|least|fewest|shortest|soonest|min|first|default)([A-Z]|$)|^limits$|Ms$|Seconds$/
  return topLevelOf(source)
    .filter(({ type, init }) => type === 'VariableDeclarator' && isOfNumbers(source, asNode(init)))
    .flatMap((node) => namesOf(asNode(node['id'])))
    .filter((name) => bounds.test(name))
}

function isOfNumbers(source: string, init: SyntaxNode | undefined): boolean {
  const text = init === undefined ? '' : source.slice(init.start, init.end)
  return /\d/.test(text) && !/['"`(]/.test(text)
}

function topLevelOf(source: string): SyntaxNode[] {
  const statements = nodesIn(syntaxOf(source), 'body').map((node) => asNode(node['declaration']) ?? node)
  return statements.flatMap((node) => (node.type === 'VariableDeclaration' ? nodesIn(node, 'declarations') : [node]))
}

function nodesIn(node: SyntaxNode | undefined, member: string): SyntaxNode[] {
  const nodes = node?.[member]
  return Array.isArray(nodes) ? nodes.flatMap((each: unknown) => asNode(each) ?? []) : []
}

/** A name, `#` before a private one; of a pattern such as `[a, b]` the names in it. */
function namesOf(node: SyntaxNode | undefined): string[] {
  if (node?.type === 'ArrayPattern') return nodesIn(node, 'elements').flatMap(namesOf)
  if (typeof node?.['name'] !== 'string') return []
  return [node.type === 'PrivateIdentifier' ? `#${node['name']}` : node['name']]
}
