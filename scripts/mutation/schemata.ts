import { type Replacement, replacementsAt, textOf } from './mutators.ts'
import { childrenOf, syntaxOf, type SyntaxNode } from './syntax.ts'

/**
 * One small fault in one file. `id` says what it is, wherever in the file it stands: lines move.
 */
export interface Mutant {
  readonly id: string
  readonly file: string
  readonly line: number
  /** It is met when its module is loaded, which a test may do that has no other use for it. */
  readonly isStatic: boolean
}

export interface Schemata {
  readonly mutants: readonly Mutant[]
  /** The source with all mutants, numbered in order. `globalThis.mutation` switches one on. */
  readonly code: string
}

interface Found extends Replacement {
  readonly within: string
  readonly isStatic: boolean
}

/**
 * All mutants of a file in one text, numbered from `first`. Each position checks which mutant is
 * on, so that the file is transformed once. A replacement contains the original source.
 */
export function schemataOf(file: string, source: string, first = 0): Schemata {
  const found = findAll(syntaxOf(source), source, [], true)
  const times = new Map<string, number>()
  const mutants = found.map((each) => {
    const what = `${file} ${each.within}: ${oneLine(textOf(each.node, source))} -> ${oneLine(each.by)}`
    const count = (times.get(what) ?? 0) + 1
    times.set(what, count)
    return {
      id: count === 1 ? what : `${what} (${count})`,
      file,
      line: source.slice(0, each.node.start).split('\n').length,
      isStatic: each.isStatic,
    }
  })
  return { mutants, code: helper + rewritten(syntaxOf(source), source, found, first) }
}

/** On the first line, so that lines stay where they are. */
const helper = `const __mutant = (number) => { const m = globalThis.mutation; if (m === undefined) return false; m.covered.add(number); return m.active === number };`

function findAll(node: SyntaxNode, source: string, names: readonly string[], isStatic: boolean): readonly Found[] {
  const name = nameOf(node, source)
  const inner = name === undefined ? names : [...names, name]
  const isLater = /^(Function|ArrowFunction|MethodDefinition|PropertyDefinition)/.test(node.type)
  const own = replacementsAt(node, source).map((each) => ({ ...each, within: inner.join('.') || 'module', isStatic }))
  return [...own, ...childrenOf(node).flatMap((child) => findAll(child, source, inner, isStatic && !isLater))]
}

/** Of what has a name of its own that people know: classes, functions, methods and constants. */
function nameOf(node: SyntaxNode, source: string): string | undefined {
  if (/^(ClassDeclaration|FunctionDeclaration|VariableDeclarator)$/.test(node.type)) return textOf(node['id'], source).slice(0, 40)
  return /^(MethodDefinition|PropertyDefinition)$/.test(node.type) ? textOf(node['key'], source) : undefined
}

function rewritten(node: SyntaxNode, source: string, found: readonly Found[], first: number): string {
  let text = ''
  let position = node.start
  for (const child of childrenOf(node).toSorted((one, other) => one.start - other.start)) {
    if (child.start < position) continue // `{ name }` is key and value in one
    text += source.slice(position, child.start) + rewritten(child, source, found, first)
    position = child.end
  }
  text += source.slice(position, node.end)
  const here = found.flatMap((each, index) => (isSame(each.node, node) ? [{ by: each.by, number: first + index }] : []))
  return here.reduce((whole, { by, number }) => choice(node, number, by, whole), text)
}

function isSame(one: SyntaxNode, other: SyntaxNode): boolean {
  return one.start === other.start && one.end === other.end && one.type === other.type
}

function choice({ type }: SyntaxNode, number: number, by: string, whole: string): string {
  return type.endsWith('Statement') ? `{ if (!__mutant(${number})) { ${whole} } }` : `(__mutant(${number}) ? (${by}) : (${whole}))`
}

function oneLine(text: string): string {
  const short = text.replaceAll(/\s+/g, ' ')
  return short.length > 90 ? `${short.slice(0, 60)}…${short.slice(-29)}` : short
}
