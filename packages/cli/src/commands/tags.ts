import { UsageError } from '../terminal/failure.ts'

/** Tags from arguments such as `team=pay`. */
export function tagsOf(given: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(given.map(tagOf))
}

function tagOf(text: string): readonly [key: string, value: string] {
  const at = text.indexOf('=')
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
  throw new UsageError('a tag has no key and value', 'write it as key=value, such as team=pay')
}
