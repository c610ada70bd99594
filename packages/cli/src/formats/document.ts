import { UsageError } from '../terminal/failure.ts'

/** A secret in a file: text, or bytes that are no text. */
export type Value = string | Uint8Array
/** Secrets by their name. */
export type Values = ReadonlyMap<string, Value>

/** What writes a format. */
export interface DocumentWriter {
  /** Why it cannot hold this secret; `undefined` if it can. It never quotes the value. */
  readonly problem: (name: string, value: Value) => string | undefined
  readonly write: (values: Values) => string
}

/** The text of a file with these secrets. Throws if the format cannot hold each of them exactly. */
export function writeDocument(values: Values, format: string, writer: DocumentWriter): string {
  const problems = [...values].flatMap(([name, value]) => {
    const problem = writer.problem(name, value)
    return problem === undefined ? [] : [`\n${name}: ${problem}`]
  })
  if (problems.length === 0) return writer.write(values)
  throw new UsageError(`${format} cannot hold every secret:${problems.join('')}`, 'choose another format, or others by --only')
}

/** What a file is, if it is not in its format. `how` never quotes it. */
export function malformed(format: string, how: string): UsageError {
  return new UsageError(`the input ${how}`, `correct it, or give its format by --format if it is not ${format}`)
}

/** Secrets of a file; the same name twice is refused, since it does not say which counts. */
export function uniqueValues(format: string, entries: readonly (readonly [name: string, value: Value])[]): Values {
  const values = new Map(entries)
  if (values.size < entries.length) throw malformed(format, 'has a name twice')
  return values
}

export const bytesProblem = 'it is bytes, not text: only k8s holds them'
