import { checkedNote } from '@finchat/secrets-core/provider'

type Note = Readonly<Record<string, string>>

/** AWS allows labels of 256 characters, 28 of which name the part. */
const partLength = 228

const grammar = /^note-([1-9]\d{0,15})-(\d)-(\d)-([\w-]+)$/

/**
 * The labels that hold the note of version `number`: its JSON in base64url, in up to six parts. A
 * label is written with the version, is no tag, and changes neither value nor description.
 */
export function noteLabels(number: number, note: Note | undefined): string[] {
  if (note === undefined) return []
  const parts = Buffer.from(JSON.stringify(note)).toString('base64url').match(partGrammar) ?? []
  return parts.map((part, index) => `note-${number}-${index + 1}-${parts.length}-${part}`)
}

const partGrammar = new RegExp(`.{1,${partLength}}`, 'g')

export function isNote(label: string): boolean {
  return grammar.test(label)
}

/** `undefined` unless every part is there. */
export function noteOf(labels: readonly string[]): Note | undefined {
  const parts = labels.filter(isNote).toSorted()
  const text = parts.map((label) => grammar.exec(label)?.[4] ?? '').join('')
  if (parts.length === 0 || String(parts.length) !== grammar.exec(parts[0] ?? '')?.[3]) return undefined
  try {
    return checkedNote(JSON.parse(Buffer.from(text, 'base64url').toString()))
  } catch {
    return undefined // another tool's label
  }
}

/** Whether version `number` with these labels has exactly this note, or none if that is given. */
export function hasNote(labels: readonly string[], number: number, note: Note | undefined): boolean {
  return labels.filter(isNote).toSorted().join(' ') === noteLabels(number, note).toSorted().join(' ')
}
