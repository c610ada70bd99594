import type { Document, Pair, Scalar } from 'yaml'
import { forgetInput } from '../forms/forget-input.ts'
import { bytesProblem, type DocumentWriter, malformed, uniqueValues, type Value, type Values } from './document.ts'

export type Yaml = typeof import('yaml')

/** Reads a map of names and texts or numbers; a number is as it is written. */
export function readYaml(text: string, yaml: Yaml): Values {
  return uniqueValues('yaml', entriesOf(contentsOf(text, yaml), yaml))
}

/** One document. Aliases are refused: a few lines of them unfold to gigabytes. */
export function contentsOf(text: string, { parseAllDocuments }: Yaml): Document.Parsed['contents'] {
  const [document, ...others] = documentsIn(text, parseAllDocuments)
  if (document === undefined || others.length > 0) throw malformed('yaml', 'is not one YAML document')
  return document.contents
}

function documentsIn(text: string, parseAllDocuments: Yaml['parseAllDocuments']): readonly Document.Parsed[] {
  try {
    // Its check of unique names compares each with each, and pretty errors quote the lines around.
    const options = { schema: 'core', intAsBigInt: true, uniqueKeys: false, prettyErrors: false, logLevel: 'silent' } as const
    const documents: readonly Document.Parsed[] = parseAllDocuments(text, options)
    if (documents.every(({ errors, warnings }) => errors.length + warnings.length === 0)) return documents
  } catch {
    // Such as RangeError, for nesting that exceeds the stack.
  } finally {
    forgetInput()
  }
  throw malformed('yaml', 'is no YAML')
}

/** Names and values of a map. Throws for a value that is a map, a list or an alias. */
export function entriesOf(node: unknown, yaml: Yaml): (readonly [name: string, value: string])[] {
  if (!yaml.isMap(node)) throw malformed('yaml', 'is no YAML map')
  return node.items.map((pair) => entryOf(pair, yaml))
}

function entryOf({ key, value }: Pair, { isScalar }: Yaml): readonly [name: string, value: string] {
  if (!isScalar(key) || typeof key.value !== 'string') throw malformed('yaml', 'has a name that is no text')
  if (isScalar(value)) return [key.value, textOf(value)]
  throw malformed('yaml', 'has a value that is neither text nor number: write it as JSON text')
}

function textOf({ value, source }: Scalar): string {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) throw malformed('yaml', 'has a value in base64 (!!binary): write it as text, or in a Kubernetes Secret')
  if (value === null || source === undefined) throw malformed('yaml', 'has a name without a value (null)')
  return source
}

export const yamlWriter: DocumentWriter = {
  problem: (_, value) => (typeof value === 'string' ? undefined : bytesProblem),
  write: (values) => (values.size === 0 ? '{}\n' : [...values].map((entry) => `${entry.map(doubleQuoted).join(': ')}\n`).join('')),
}

/** JSON's text is YAML's too, but for characters that YAML wants escaped. */
export function doubleQuoted(value: Value): string {
  return Array.from(JSON.stringify(String(value)), (character) => (isPrintable(character) ? character : escaped(character))).join('')
}

function isPrintable(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  return (code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code < 0x2028) || (code > 0x2029 && code < 0xfeff) || code > 0xffff
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
