import { branch, damaged, leaf, type Node } from './tree.ts'

/** Reads dotenv as SOPS does: no quotes, and `\n` for a line end in a value. */
export function readDotenv(text: string): Node {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return branch(lines.map(entryOf))
}

function entryOf(line: string): readonly [string, Node] {
  const at = line.indexOf('=')
  if (at === -1) throw damaged('is no dotenv')
  return [line.slice(0, at), leaf(line.slice(at + 1).replaceAll('\\n', '\n'), true)]
}
