import { configurationError, type SecretsError } from '@finchat/secrets-core/provider'
import { canonicalText } from './canonical.ts'
import { nameKeyBytes } from './sealed-name.ts'

/** A line of a file of name keys. */
export interface NameRow {
  readonly name: string
  readonly key: Buffer
}

/** A line of the file, and where it stands. With none of the others a process died while it wrote it. */
export interface PlacedRow {
  readonly at: number
  readonly length: number
  readonly row?: NameRow | undefined
  /** The pseudonym of a name whose row stood here. */
  readonly erased?: string | undefined
  /** The id of a trail that the file is of. */
  readonly trail?: string | undefined
  /** Rows above were overwritten: a process that read them reads them again. */
  readonly isNotice?: boolean | undefined
}

const lineFeed = 0x0a

/** Begins with a line feed: the line before may lack its own. */
export function nameRowText({ name, key }: NameRow): string {
  return `\n${canonicalText({ key: key.toString('base64url'), name, v: 1 })}\n`
}

/** Binds a file to a trail. */
export function trailRowText(trail: string): string {
  return `\n${canonicalText({ trail, v: 1 })}\n`
}

/** Stands in the place of a row, and is never longer. */
export function erasedRowText(pseudonym: string, length: number): string {
  return canonicalText({ erased: pseudonym, v: 1 }).padEnd(length)
}

/** Behind all rows, once some were overwritten. */
export function noticeText(erasedAt: number): string {
  return `\n${canonicalText({ erasedAt, v: 1 })}\n`
}

/** The rows of a file, without blank lines. */
export function* rowsIn(content: Buffer): Generator<PlacedRow> {
  for (let at = 0; at < content.length;) {
    const found = content.indexOf(lineFeed, at)
    const end = found === -1 ? content.length : found
    const line = content.toString('utf8', at, end)
    if (line.trim() !== '') yield { at, length: end - at, ...partsOf(line) }
    at = end + 1
  }
}

type Member = 'key' | 'name' | 'erased' | 'erasedAt' | 'trail' | 'v'

function partsOf(line: string): Omit<PlacedRow, 'at' | 'length'> {
  try {
    const { v, erased, erasedAt, trail, ...row } = JSON.parse(line) as Partial<Record<Member, unknown>> // each is looked at
    if (v !== 1) return {}
    if (typeof erased === 'string') return { erased }
    if (typeof trail === 'string') return { trail }
    return typeof erasedAt === 'number' ? { isNotice: true } : { row: rowOf(row) }
  } catch {
    return {}
  }
}

function rowOf({ key, name }: { readonly key?: unknown; readonly name?: unknown }): NameRow | undefined {
  if (typeof key !== 'string' || typeof name !== 'string') return undefined
  const bytes = Buffer.from(key, 'base64url')
  return bytes.length === nameKeyBytes ? { name, key: bytes } : undefined
}

/** The ids of the trails that a file is of; none if it was never used with a folder. */
export function trailsIn(content: Buffer): ReadonlySet<string> {
  return new Set([...rowsIn(content)].flatMap(({ trail }) => trail ?? []))
}

/** The keys of another trail open none of these names, and an erasure would be written in the wrong index. */
export function keysOfAnother(path: string): SecretsError {
  return configurationError(
    `the keys of names are those of another trail: ${JSON.stringify(path)}`,
    'name the file that was used with this trail; for a new trail, a file that is not there yet',
  )
}

/** Throws `CONFIGURATION` for anything but a path. */
export function assertNamesFile(option: string, file: unknown): asserts file is string {
  if (typeof file === 'string' && file !== '' && !file.includes('\0')) return
  throw configurationError(`\`${option}\` is not the path of a file`, 'name a file for the keys of names, such as audit-names.key')
}
