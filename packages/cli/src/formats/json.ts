import { jsonMembers } from '@finchat/secrets-core/provider'
import { bytesProblem, type DocumentWriter, malformed, uniqueValues, type Values } from './document.ts'

/** Reads a JSON object. A member that is no text is its JSON text, as it is written. */
export function readJson(text: string): Values {
  return uniqueValues(
    'json',
    membersOf(text).map(({ key, text: json }) => [key, valueOf(json)] as const),
  )
}

function membersOf(text: string): ReturnType<typeof jsonMembers> {
  if (text.trimStart().startsWith('{')) {
    try {
      return jsonMembers(text)
    } catch {
      // What it threw says no more.
    }
  }
  throw malformed('json', 'is no JSON object')
}

function valueOf(json: string): string {
  if (json === 'null') throw malformed('json', 'has a name without a value (null)')
  if (!json.startsWith('"')) return json
  const text = JSON.parse(json) as string // of a string literal
  if (text.isWellFormed()) return text
  throw malformed('json', 'has a text with a lone surrogate')
}

export const jsonWriter: DocumentWriter = {
  problem: (_, value) => (typeof value === 'string' ? undefined : bytesProblem),
  // Member by member: an object would put names of digits first.
  write: (values) => {
    const members = [...values].map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`)
    return members.length === 0 ? '{}\n' : `{\n${members.join(',\n')}\n}\n`
  },
}
