import { spawn } from 'node:child_process'
import { Readable, type Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Environment, SecretsError } from '@finchat/secrets-core'
import { configurationError } from '@finchat/secrets-core/provider'
import { UsageError } from '../terminal/failure.ts'
import { type GitObject, readObjects } from './git-objects.ts'
import type { Contents, SourceOptions } from './source.ts'

/** A repository, as its `git` is run. */
export interface Repository {
  readonly cwd: string
  readonly env: Environment
}

/** The repository of a folder. Throws if it is in none. */
export async function repositoryAt(cwd: string, env: Environment): Promise<Repository> {
  const repository = { cwd, env: gitEnvironment(env) }
  const { output, code } = await run(repository, ['rev-parse', '--show-toplevel'])
  if (code === 0) return { ...repository, cwd: output.toString().replace(/\n$/, '') }
  if (code === notStarted) throw failed(code)
  throw new UsageError('this folder is in no git repository', 'run it in the repository, or name files and folders')
}

/** Only what git needs: the variables of this process may hold secrets. */
function gitEnvironment(env: Environment): Environment {
  const isNeeded = (name: string): boolean => name.startsWith('GIT_') || ['PATH', 'HOME', 'XDG_CONFIG_HOME', 'SystemRoot'].includes(name)
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => isNeeded(name)))
  return { ...kept, LC_ALL: 'C', GIT_NO_LAZY_FETCH: '1', GIT_OPTIONAL_LOCKS: '0' }
}

/**
 * Every file, commit message and tag of all branches and tags, and of what a reflog or a stash keeps. git
 * lists a content with one of its paths: one that is excluded there is searched if another path is not.
 */
export async function* historyOf(repository: Repository, options: SourceOptions): Contents {
  const list = start(repository, ['rev-list', '--objects', ...everything])
  const passedOver = new Set<string>()
  try {
    for await (const { object, type, path, chunks } of objectsOf(repository, list.stdout, options)) {
      if (type === 'blob' && options.isExcluded(path)) passedOver.add(object)
      else if (type === 'blob') yield { path: path || '(a tag)', object, kind: type, chunks } // rev-list begins with what tags name
      else if (type === 'commit' || type === 'tag') yield { path: `(${type} message)`, object, kind: type, chunks }
    }
    await list.ended()
  } finally {
    list.kill()
  }
  if (passedOver.size > 0) yield* atOtherPaths(repository, passedOver, options)
}

const everything = ['--all', '--reflog']

async function* atOtherPaths(repository: Repository, passedOver: Set<string>, options: SourceOptions): Contents {
  const lines = async function* (): AsyncGenerator<string> {
    for await (const { object, path } of placesIn(repository))
      if (!options.isExcluded(path) && passedOver.delete(object)) yield lineOf(object, path)
  }
  for await (const { object, path, chunks } of objectsOf(repository, Readable.from(lines()), options))
    yield { path, object, kind: 'blob', chunks }
}

interface Place {
  readonly object: string
  readonly path: string
}

/** Each path of each content: what a commit has, it or one before it has brought; and what trees have that a tag names. */
async function* placesIn(repository: Repository): AsyncGenerator<Place> {
  const refs = await run(repository, ['for-each-ref', '--format=%(objecttype) %(*objecttype) %(refname)'])
  if (refs.code !== 0) throw failed(refs.code)
  const others = refs.output
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !/^(tag )? *commit /.test(line))
  for (const line of others) yield* placesAt(repository, line.slice(line.lastIndexOf(' ') + 1))
  const commits = start(repository, ['rev-list', ...everything])
  const changes = start(repository, ['diff-tree', '--stdin', '-r', '-m', '--root', '--raw', '-z', '--no-commit-id', '--no-renames'])
  commits.stdout.pipe(changes.stdin)
  try {
    yield* changedPlaces(changes.stdout)
    await Promise.all([commits.ended(), changes.ended()])
  } finally {
    commits.kill()
    changes.kill()
  }
}

/** Of a ref that leads to a tree. */
async function* placesAt(repository: Repository, ref: string): AsyncGenerator<Place> {
  const tree = await run(repository, ['ls-tree', '-r', '-z', `${ref}^{tree}`]) // fails for another object
  for (const entry of tree.output.toString().split('\0')) {
    const [, id, path] = /^\d+ blob ([0-9a-f]+)\t(.*)$/s.exec(entry) ?? []
    if (id !== undefined && path !== undefined) yield { object: id, path }
  }
}

/** Of `:mode mode object object status NUL path NUL`. */
async function* changedPlaces(raw: Readable): AsyncGenerator<Place> {
  let object: string | undefined
  for await (const part of partsOf(raw)) {
    if (object !== undefined) yield { object, path: part }
    object = object === undefined ? part.split(' ')[3] : undefined
  }
}

/** What stands between NULs. */
async function* partsOf(stream: Readable): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const parts = (rest + chunk).split('\0')
    rest = parts.pop() ?? ''
    yield* parts
  }
}

/** The contents of these objects, a line each with its path. */
async function* objectsOf(repository: Repository, lines: Readable, { unreadable }: SourceOptions): AsyncGenerator<GitObject> {
  const objects = start(repository, catFile)
  lines.pipe(objects.stdin)
  try {
    yield* readObjects(objects.stdout, unreadable)
    await objects.ended()
  } finally {
    objects.kill()
  }
}

function lineOf(object: string, path: string): string {
  return `${object} ${path.replaceAll('\n', '?')}\n`
}

const catFile = ['cat-file', '--batch=%(objectname) %(objecttype) %(objectsize) %(rest)', '--buffer']

/** What the next commit will hold of the files that it changes. */
export async function* stagedIn(repository: Repository, options: SourceOptions): Contents {
  const args = ['diff', '--cached', '--raw', '-z', '--no-abbrev', '--no-renames', '--no-ext-diff', '--diff-filter=ACMT']
  const { output, code } = await run(repository, args)
  if (code !== 0) throw failed(code)
  for await (const { object, path, chunks } of objectsOf(repository, Readable.from(stagedFiles(output.toString())), options))
    if (!options.isExcluded(path)) yield { path, object, kind: 'staged', chunks }
}

/** Lines for `cat-file`: the object and the path. A submodule's commit is in another repository. */
function stagedFiles(raw: string): string[] {
  const parts = raw.split('\0')
  return parts.flatMap((path, index) => {
    const [, mode, , object] = index % 2 === 1 ? (parts[index - 1] ?? '').split(' ') : []
    return object === undefined || mode === '160000' ? [] : [lineOf(object, path)]
  })
}

/** The oldest commit that brought this object to this path; none for a path without a commit. */
export async function commitOf(repository: Repository, object: string, path: string): Promise<string | undefined> {
  const which = [...everything, '--full-history', '--reverse', '-m', `--find-object=${object}`, '--', `:(top,literal)${path}`]
  const { output } = await run(repository, ['log', '--no-show-signature', '--format=%H', ...which])
  return output.toString().split('\n')[0] || undefined
}

/** Of a shallow clone only a part is here. */
export async function isShallow(repository: Repository): Promise<boolean> {
  return (await run(repository, ['rev-parse', '--is-shallow-repository'])).output.toString().trim() === 'true'
}

interface Git {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly exitCode: Promise<number>
  /** Throws if it failed. Its own message is not shown: it may quote anything. */
  readonly ended: () => Promise<void>
  /** Nothing more of it is needed. */
  readonly kill: () => void
}

const notStarted = 127

function start({ cwd, env }: Repository, args: readonly string[]): Git {
  // A repository's own settings must run no program.
  const git = spawn('git', ['-c', 'core.fsmonitor=false', '--no-pager', ...args], { cwd, env, stdio: ['pipe', 'pipe', 'ignore'] })
  git.stdin.on('error', () => undefined) // it may end before it has read all
  const exitCode = new Promise<number>((resolve) => {
    git.on('error', () => resolve(notStarted))
    git.on('exit', (code) => resolve(code ?? 1))
  })
  const ended = async (): Promise<void> => {
    const code = await exitCode
    if (code !== 0) throw failed(code)
  }
  return { stdin: git.stdin, stdout: git.stdout, exitCode, ended, kill: () => void git.kill() }
}

async function run(repository: Repository, args: readonly string[]): Promise<{ readonly output: Buffer; readonly code: number }> {
  const git = start(repository, args)
  git.stdin.end()
  const [output, code] = await Promise.all([buffer(git.stdout), git.exitCode])
  return { output, code }
}

function failed(code: number): SecretsError {
  if (code === notStarted) return configurationError('git cannot be run', 'install git, and see that it is in PATH')
  return configurationError('git could not read the repository', 'see what `git fsck` says')
}
