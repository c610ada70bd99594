import { type Dirent, readdirSync } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'
import { isValidName } from '@finchat/secrets-core'
import { dotenvLines } from '@finchat/secrets-core/provider'
import { isEnvFile, isTemplate } from '../files/env-file.ts'
import { readRegular } from '../files/read-file.ts'
import { namesInSource } from './names-in-source.ts'
import { kindOf } from './secret-names.ts'

/** A variable that the project reads or sets, and where: never what it holds. */
export interface FoundName {
  readonly name: string
  /** `src/db.ts:3`, in order. */
  readonly places: readonly string[]
  readonly isSecret: boolean
  /** The `.env` files that have a value for it. */
  readonly filledIn: readonly string[]
}

interface Place {
  readonly name: string
  readonly line: number
  /** Its value is an address with a password in it. */
  readonly hasPassword?: boolean
  readonly isFilled?: boolean
}

/** Larger files are data, or are made by a bundler. */
const mostBytes = 1024 * 1024
const sourceEnds = ['.js', '.ts', '.jsx', '.tsx', '.mjs', '.cjs', '.mts', '.cts']
const skippedFolders: ReadonlySet<string> = new Set(['node_modules', 'dist', 'build', 'out', 'coverage', 'vendor', 'target'])

/** The names in the `.env` files and the sources below a folder, sorted. Links are not followed. */
export function foundNames(folder: string): FoundName[] {
  const places = [...filesIn(folder)].flatMap((path) => {
    const file = relative(folder, path).split(sep).join('/')
    return namesIn(path).map((place) => ({ ...place, file }))
  })
  const byName = Map.groupBy(places, ({ name }) => name)
  const found = [...byName].flatMap(([name, at]) => (isOfProject(name, at) ? [foundName(name, at)] : []))
  return found.toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

/** A system sets `PORT` and `HOME`; a `.env` file that sets one makes it a setting of the project. */
function isOfProject(name: string, places: readonly { readonly file: string }[]): boolean {
  if (!isValidName(name) || kindOf(name) === 'ignored') return false
  return kindOf(name) !== 'system' || places.some(({ file }) => isEnvFile(basename(file)))
}

function foundName(name: string, places: readonly (Place & { readonly file: string })[]): FoundName {
  return {
    name,
    places: places.map(({ file, line }) => `${file}:${line}`),
    isSecret: kindOf(name) === 'secret' || places.some(({ hasPassword }) => hasPassword),
    filledIn: [...new Set(places.filter(({ isFilled }) => isFilled).map(({ file }) => file))],
  }
}

function* filesIn(folder: string): Generator<string> {
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && !entry.name.startsWith('.') && !skippedFolders.has(entry.name)) yield* filesIn(path)
    else if (entry.isFile() && (isEnvFile(entry.name) || isSource(entry.name))) yield path
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

function isSource(name: string): boolean {
  return sourceEnds.some((end) => name.endsWith(end))
}

function namesIn(path: string): readonly Place[] {
  const [text, name] = [textOf(path), basename(path)]
  return isEnvFile(name) ? namesInDotenv(text, !isTemplate(name)) : namesInSource(text)
}

function textOf(path: string): string {
  const content = readRegular(path, mostBytes)
  return 'bytes' in content ? content.bytes.toString() : ''
}

function namesInDotenv(text: string, hasValues: boolean): Place[] {
  return [...dotenvLines(text)].flatMap(({ name, line, value }) =>
    name === undefined ? [] : [{ name, line, hasPassword: Boolean(URL.parse(value)?.password), isFilled: hasValues && value !== '' }],
  )
}
