import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileError } from '../files/file-error.ts'

/** The root of the git repository that a folder is in. */
export function repositoryOf(folder: string): string | undefined {
  if (existsSync(join(folder, '.git'))) return folder
  return dirname(folder) === folder ? undefined : repositoryOf(dirname(folder))
}

/** What `.gitignore` of a repository needs, so that git never takes these files. Files outside it need nothing. */
export function missingEntries(repository: string, files: readonly string[]): string[] {
  const known = entriesOf(repository)
  const inside = files.map((file) => relative(repository, file)).filter((path) => !path.startsWith('..'))
  return inside.map((path) => `/${escaped(path.split(sep).join('/'))}`).filter((entry) => !known.includes(entry))
}

export function addEntries(repository: string, entries: readonly string[]): void {
  const file = join(repository, '.gitignore')
  const before = existsSync(file) && !['', '\n'].includes(readFileSync(file, 'utf8').slice(-1)) ? '\n' : ''
  if (entries.length > 0) attempt(file, () => appendFileSync(file, `${before}${entries.join('\n')}\n`))
}

function entriesOf(repository: string): string[] {
  const file = join(repository, '.gitignore')
  return existsSync(file) ? attempt(file, () => readFileSync(file, 'utf8')).split(/\r?\n/) : []
}

/** A last `*` stands for the files that SQLite puts beside a store. */
function escaped(path: string): string {
  return path.replaceAll(/[\\[\]#!? ]|\*(?!$)/g, String.raw`\$&`)
}

function attempt<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw fileError(file, error)
  }
}
