import { ContentSearch } from './content-search.ts'
import { type FindForms, type KnownForm, KnownFormSearch } from './known-forms.ts'
import type { Content, Contents } from './source.ts'
import type { ValueMatcher, Match } from './value-matcher.ts'

/** Where something was found. Neither the value nor its line is kept. */
export interface Finding {
  readonly path: string
  readonly line: number
  readonly column: number
  readonly kind: Content['kind']
  /** The object of git, in the history. */
  readonly object?: string | undefined
  readonly commit?: string | undefined
  /** The secret whose value it is. */
  readonly name?: string | undefined
  readonly version?: Match['version']
  readonly isCredential?: Match['isCredential']
  readonly form?: Match['form'] | undefined
  /** Of a well-known form. */
  readonly rule?: string | undefined
}

/** What is looked for. */
export interface Sought {
  readonly matcher: ValueMatcher
  readonly findForms: FindForms | undefined
  /** Called after each part. */
  readonly onBytes: (count: number) => void
}

/** How much was searched. */
export interface ScanResult {
  readonly findings: readonly Finding[]
  readonly contents: number
  readonly bytes: number
}

export async function scanContents(contents: Contents, sought: Sought, unreadable: (path: string) => void): Promise<ScanResult> {
  const findings: Finding[] = []
  let [count, bytes] = [0, 0]
  const onBytes = (length: number): void => {
    bytes += length
    sought.onBytes(length)
  }
  for await (const content of contents) {
    count++
    try {
      findings.push(...(await scanContent(content, { ...sought, onBytes })))
    } catch (error) {
      if (content.kind !== 'file') throw error
      unreadable(content.path)
    }
  }
  return { findings, contents: count, bytes }
}

async function scanContent({ path, kind, object, chunks }: Content, { matcher, findForms, onBytes }: Sought): Promise<Finding[]> {
  const values = new ContentSearch(matcher)
  const forms = findForms === undefined ? undefined : new KnownFormSearch(findForms, path)
  const found: (KnownForm | ReturnType<ContentSearch['end']>[number])[] = []
  for await (const chunk of chunks) {
    found.push(...values.push(chunk), ...((await forms?.push(chunk)) ?? []))
    onBytes(chunk.length)
  }
  found.push(...values.end(), ...((await forms?.end()) ?? []))
  return found.map(({ line, column, ...what }) => ({ path, line, column, kind, object, ...what }))
}
