import { spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Environment, SecretsError } from '@finchat/secrets-core'
import { configurationError } from '@finchat/secrets-core/provider'
import { UsageError } from '../terminal/failure.ts'
import { readObjects } from './git-objects.ts'
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

/** Every file, commit message and tag of all branches and tags, and of what a reflog or a stash keeps. */
export async function* historyOf(repository: Repository, { isExcluded, unreadable }: SourceOptions): Contents {
  const list = start(repository, ['rev-list', '--objects', '--all', '--reflog'])
  const objects = start(repository, catFile)
  list.stdout.pipe(objects.stdin)
  try {
    for await (const { object, type, path, chunks } of readObjects(objects.stdout, unreadable)) {
      if (type === 'blob' && !isExcluded(path)) yield { path, object, kind: type, chunks }
      if (type === 'commit' || type === 'tag') yield { path: `(${type} message)`, object, kind: type, chunks }
    }
    await Promise.all([list.ended(), objects.ended()])
  } finally {
    list.kill()
    objects.kill()
  }
}

const catFile = ['cat-file', '--batch=%(objectname) %(objecttype) %(objectsize) %(rest)', '--buffer']

/** What the next commit will hold of the files that it changes. */
export async function* stagedIn(repository: Repository, { isExcluded, unreadable }: SourceOptions): Contents {
  const args = ['diff', '--cached', '--raw', '-z', '--no-abbrev', '--no-renames', '--no-ext-diff', '--diff-filter=ACMT']
  const { output, code } = await run(repository, args)
  if (code !== 0) throw failed(code)
  const objects = start(repository, catFile)
  objects.stdin.end(stagedFiles(output.toString()).join(''))
  try {
    for await (const { object, path, chunks } of readObjects(objects.stdout, unreadable))
      if (!isExcluded(path)) yield { path, object, kind: 'staged', chunks }
    await objects.ended()
  } finally {
    objects.kill()
  }
}

/** Lines for `cat-file`: the object and the path. A submodule's commit is in another repository. */
function stagedFiles(raw: string): string[] {
  const parts = raw.split('\0')
  return parts.flatMap((path, index) => {
    const [, mode, , object] = index % 2 === 1 ? (parts[index - 1] ?? '').split(' ') : []
    return object === undefined || mode === '160000' ? [] : [`${object} ${path.replaceAll('\n', '?')}\n`]
  })
}

/** The commit that brought this object, the oldest one. */
export async function commitOf(repository: Repository, object: string): Promise<string | undefined> {
  const args = ['log', '--all', '--reflog', '--reverse', '-m', '--no-show-signature', '--format=%H', `--find-object=${object}`]
  const { output } = await run(repository, args)
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
