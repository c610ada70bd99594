import { asNode, type SyntaxNode } from './syntax.ts'

/** What a piece of the source is replaced by. */
export interface Replacement {
  readonly node: SyntaxNode
  readonly by: string
}

const operators: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    '<': ['<=', '>='],
    '<=': ['<', '>'],
    '>': ['>=', '<='],
    '>=': ['>', '<'],
    '===': ['!=='],
    '!==': ['==='],
    '+': ['-'],
    '-': ['+'],
    '*': ['/'],
    '/': ['*'],
    '%': ['*'],
    '**': ['*'],
    '&&': ['||'],
    '||': ['&&'],
    '??': ['&&'],
    '&': ['|'],
    '|': ['&'],
    '+=': ['-='],
    '-=': ['+='],
    '??=': ['='],
  }),
)
const methods: ReadonlyMap<string, string> = new Map([
  ['min', 'max'],
  ['max', 'min'],
  ['some', 'every'],
  ['every', 'some'],
])

/**
 * Every small fault that is tried at this node: a wrong operator, condition or constant, or a
 * statement that is missing.
 */
export function replacementsAt(node: SyntaxNode, source: string): readonly Replacement[] {
  const text = (part: unknown): string => textOf(part, source)
  switch (node.type) {
    case 'BinaryExpression':
    case 'LogicalExpression':
    case 'AssignmentExpression':
      return swapped(node, text).map((by) => ({ node, by }))
    case 'IfStatement':
    case 'ConditionalExpression':
      return ['true', 'false'].flatMap((by) => at(node['test'], by))
    case 'WhileStatement':
    case 'ForStatement':
      return at(node['test'], 'false')
    case 'UnaryExpression':
      return node['operator'] === '!' || node['operator'] === '-' ? [{ node, by: text(node['argument']) }] : []
    case 'Literal':
      return constants(node).map((by) => ({ node, by }))
    case 'CallExpression':
      return otherMethod(node, text)
    case 'ExpressionStatement':
    case 'ThrowStatement':
      return typeof node['directive'] === 'string' || isSuper(node) ? [] : [{ node, by: '' }]
    default:
      return []
  }
}

export function textOf(part: unknown, source: string): string {
  const node = asNode(part)
  return node === undefined ? '' : source.slice(node.start, node.end)
}

function at(part: unknown, by: string): readonly Replacement[] {
  const node = asNode(part)
  return node === undefined || node.type === 'Literal' ? [] : [{ node, by }]
}

function swapped(node: SyntaxNode, text: (part: unknown) => string): string[] {
  const { left, operator, right } = node
  return (operators.get(String(operator)) ?? []).map(
    (other) => `${inParentheses(text(left), node)} ${other} ${inParentheses(text(right), node)}`,
  )
}

/**
 * `a && b || c` reads otherwise than `a || b || c`; the target of an assignment takes no
 * parentheses.
 */
function inParentheses(text: string, { type }: SyntaxNode): string {
  return type === 'AssignmentExpression' ? text : `(${text})`
}

/** Numbers, truth values and the words that programs act on; prose is for people. */
function constants({ value }: SyntaxNode): string[] {
  if (typeof value === 'boolean') return [String(!value)]
  if (typeof value === 'number') return [String(value === 0 ? 1 : value + 1)]
  return typeof value === 'string' && /^[\w.-]{1,40}$/.test(value) ? ["'mutated'"] : []
}

function otherMethod(node: SyntaxNode, text: (part: unknown) => string): readonly Replacement[] {
  const callee = asNode(node['callee'])
  if (callee?.type !== 'MemberExpression' || callee['computed'] === true) return []
  const other = methods.get(text(callee['property']))
  const rest = text(node).slice(callee.end - node.start)
  return other === undefined ? [] : [{ node, by: `${text(callee['object'])}.${other}${rest}` }]
}

/** Without it no subclass can be made at all. */
function isSuper(node: SyntaxNode): boolean {
  const call = asNode(node['expression'])
  return call?.type === 'CallExpression' && asNode(call['callee'])?.type === 'Super'
}
