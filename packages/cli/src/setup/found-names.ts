import { type Dirent, readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { isValidName } from '@finchat/secrets-core'
import { dotenvLines } from '@finchat/secrets-core/provider'
import { readRegular } from '../files/read-file.ts'
import { namesInSource } from './names-in-source.ts'
import { kindOf } from './secret-names.ts'

/** A variable that the project reads or sets, and where: never what it holds. */
export interface FoundName {
  readonly name: string
  /** `src/db.ts:3`, in order. */
  readonly places: readonly string[]
  readonly isSecret: boolean
}

interface Place {
  readonly name: string
  readonly line: number
  /** Its value is an address with a password in it. */
  readonly hasPassword?: boolean
}

/** Larger files are data, or are made by a bundler. */
const mostBytes = 1024 * 1024
const sourceEnds = ['.js', '.ts', '.jsx', '.tsx', '.mjs', '.cjs', '.mts', '.cts']
const skippedFolders: ReadonlySet<string> = new Set(['node_modules', 'dist', 'build', 'out', 'coverage', 'vendor', 'target'])

/** The names in the `.env` files and the sources below a folder, sorted. Links are not followed. */
export function foundNames(folder: string): FoundName[] {
  const places = new Map<string, string[]>()
  const withPassword = new Set<string>()
  for (const path of filesIn(folder)) {
    for (const { name, line, hasPassword } of namesIn(path)) {
      if (!isValidName(name) || kindOf(name) === 'ignored') continue
      places.set(name, [...(places.get(name) ?? []), `${relative(folder, path).split(sep).join('/')}:${line}`])
      if (hasPassword) withPassword.add(name)
    }
  }
  const found = [...places].map(([name, at]) => ({ name, places: at, isSecret: withPassword.has(name) || kindOf(name) === 'secret' }))
  return found.toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

function* filesIn(folder: string): Generator<string> {
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && !entry.name.startsWith('.') && !skippedFolders.has(entry.name)) yield* filesIn(path)
    else if (entry.isFile() && (isDotenv(entry.name) || isSource(entry.name))) yield path
  }
}

/** A folder that this user may not read has nothing of the project. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).toSorted((one, other) => (one.name < other.name ? -1 : 1))
  } catch {
    return []
  }
}

function isDotenv(name: string): boolean {
  return name === '.env' || name.startsWith('.env.')
}

function isSource(name: string): boolean {
  return sourceEnds.some((end) => name.endsWith(end))
}

function namesIn(path: string): readonly Place[] {
  const text = textOf(path)
  return isDotenv(path.slice(path.lastIndexOf(sep) + 1)) ? namesInDotenv(text) : namesInSource(text)
}

function textOf(path: string): string {
  const content = readRegular(path, mostBytes)
  return 'bytes' in content ? content.bytes.toString() : ''
}

function namesInDotenv(text: string): Place[] {
  return [...dotenvLines(text)].flatMap(({ name, line, value }) =>
    name === undefined ? [] : [{ name, line, hasPassword: Boolean(URL.parse(value)?.password) }],
  )
}
