import { appendFileSync, existsSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import type { Environment } from '@finchat/secrets-core'
import { gitIn } from '../doctor/git.ts'
import { fileError } from '../files/file-error.ts'
import { readRegular } from '../files/read-file.ts'
import { UsageError } from '../terminal/failure.ts'

/** The root of the git repository that a folder is in. */
export function repositoryOf(folder: string): string | undefined {
  if (existsSync(join(folder, '.git'))) return folder
  return dirname(folder) === folder ? undefined : repositoryOf(dirname(folder))
}

/** Patterns of a file of a key: beside it may be the next one, such as `.secrets.key.new`, and a part. */
export function keyFiles(file: string): string[] {
  return [file, `${file}.*`]
}

/** Has git ignore the file of a key, unless it does already. Returns the new entries of `.gitignore`. */
export async function ignoreKey(file: string, env: Environment): Promise<readonly string[]> {
  const repository = repositoryOf(dirname(file))
  if (repository === undefined || (await gitIn(dirname(file), env).ignores(file))) return []
  const entries = missingEntries(repository, keyFiles(file))
  addEntries(repository, entries)
  return entries
}

/** A `.env` file with secrets that git may take, or has. */
export interface ExposedFile {
  readonly file: string
  /** Its history keeps what it held. */
  readonly isTracked: boolean
}

/** Those of the files, relative to a folder, that git does not ignore. Without git, all of them. */
export async function exposedFiles(files: readonly string[], folder: string, env: Environment): Promise<readonly ExposedFile[]> {
  const git = gitIn(folder, env)
  const looked = await Promise.all(files.map(async (file) => ({ file, isIgnored: await git.ignores(join(folder, file)) })))
  const exposed = looked.filter(({ isIgnored }) => !isIgnored)
  return Promise.all(exposed.map(async ({ file }) => ({ file, isTracked: (await git.tracked(`:(literal)${file}`)).length > 0 })))
}

/** What `.gitignore` of a repository needs, so that git never takes these files. Files outside it need nothing. */
export function missingEntries(repository: string, files: readonly string[]): string[] {
  const known = textOf(repository).split(/\r?\n/)
  const inside = files.map((file) => relative(repository, file)).filter((path) => !path.startsWith('..'))
  const entries = inside.map((path) => `/${escaped(path.split(sep).join('/'))}`)
  return entries.filter((entry) => !known.includes(entry) && !known.includes(entry.slice(1)))
}

export function addEntries(repository: string, entries: readonly string[]): void {
  if (entries.length === 0) return
  const before = ['', '\n'].includes(textOf(repository).slice(-1)) ? '' : '\n'
  const file = join(repository, '.gitignore')
  try {
    appendFileSync(file, `${before}${entries.join('\n')}\n`)
  } catch (error) {
    throw fileError(file, error)
  }
}

const mostBytes = 1024 * 1024

function textOf(repository: string): string {
  const file = join(repository, '.gitignore')
  if (!existsSync(file)) return ''
  const content = readRegular(file, mostBytes)
  if ('bytes' in content) return content.bytes.toString()
  throw new UsageError(`.gitignore ${content.problem}`, 'move it away, or let this user read it')
}

/** A last `*` stands for the files beside a store or a key. */
function escaped(path: string): string {
  return path.replaceAll(/[\\[\]#!? ]|\*(?!$)/g, String.raw`\$&`)
}
