import { jsonMembers } from '@finchat/secrets-core/provider'
import { assertDepth, branch, damaged, leaf, type Node, numberText } from './tree.ts'

/**
 * Reads JSON in the order of the file: `JSON.parse` would put keys of digits first. Throws
 * `INTEGRITY`, without quoting the text, if it is no JSON.
 */
export function readJson(text: string): Node {
  return nodeOf(text.trim(), 0)
}

function nodeOf(text: string, depth: number): Node {
  assertDepth(depth)
  if (text.startsWith('{')) return branch(membersOf(text).map(({ key, text: value }) => [key, nodeOf(value, depth + 1)]))
  if (text.startsWith('[')) return { kind: 'list', items: membersOf(text).map(({ text: value }) => nodeOf(value, depth + 1)) }
  return leafOf(text)
}

function membersOf(text: string): ReturnType<typeof jsonMembers> {
  try {
    return jsonMembers(text)
  } catch {
    throw damaged('is no JSON')
  }
}

function leafOf(text: string): Node {
  const value = parsed(text)
  if (typeof value === 'string') return leaf(value, true)
  return leaf(typeof value === 'number' ? numberText(text) : text, false)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw damaged('is no JSON')
  }
}
