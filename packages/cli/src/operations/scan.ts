import { matchesGlob, posix, resolve } from 'node:path'
import { filesAt } from '../scan/files.ts'
import { commitOf, historyOf, isShallow, type Repository, repositoryAt, stagedIn } from '../scan/git.ts'
import { loadKnownForms } from '../scan/known-forms.ts'
import { credentialFiles } from '../config/credential-files.ts'
import { addCredentials } from '../scan/known-credentials.ts'
import { type KnownValues, readKnownValues } from '../scan/known-values.ts'
import { printFindings } from '../scan/report.ts'
import { sarifOf } from '../scan/sarif.ts'
import { type Finding, scanContents, type ScanResult } from '../scan/scan-contents.ts'
import type { Contents, SourceOptions } from '../scan/source.ts'
import { leastBytes } from '../forms/forms.ts'
import { counted } from '../terminal/counted.ts'
import { exitCodes } from '../terminal/exit-codes.ts'
import { ProgressLine } from '../terminal/progress.ts'
import { note, operator, type Terminal } from '../terminal/terminal.ts'
import { visible } from '../terminal/visible.ts'
import { type CommandContext, type CommonFlags, explained, withReadable } from '../commands/context.ts'
import { nothingDeclared } from '../commands/declared.ts'

interface ScanFlags extends CommonFlags {
  readonly history?: boolean
  readonly staged?: boolean
  readonly built?: readonly string[]
  readonly exclude?: readonly string[]
  readonly versions?: boolean
  readonly onlyValues?: boolean
  readonly sarif?: boolean
}

const failure = 'nothing can be said of the files'

/** Looks for the values of the declared secrets, and for well-known forms, where they must not be. */
export default async function scan(context: CommandContext, flags: ScanFlags, ...paths: string[]): Promise<void> {
  const { terminal } = context
  const { known, ownFiles } = await withReadable(failure, context, flags, async (secrets, names, settings) => {
    if (Object.keys(names).length === 0) assertKnownForms(flags, terminal)
    const reader = { secrets, actor: operator(), withVersions: flags.versions === true }
    const values = await readKnownValues(names, reader)
    const unread = [...values.unread, ...(await addCredentials(values.matcher, settings))]
    return { known: { ...values, unread }, ownFiles: credentialFiles(settings) }
  })
  tellLeftOut(known, terminal)
  const unreadable: string[] = []
  const { result, findings } = await explained(failure, async () => scanSources(terminal, flags, paths, { ...known, ownFiles, unreadable }))
  for (const path of unreadable) note(terminal, `warning: ${visible(path)} could not be read`)
  await print(findings, result, known, flags, terminal)
  if (!flags.json && !flags.sarif) tell(findings, result, terminal)
  context.process.exitCode = exitCodeOf(findings, known, unreadable)
}

function assertKnownForms({ onlyValues }: ScanFlags, terminal: Terminal): void {
  if (onlyValues) throw nothingDeclared()
  note(terminal, 'warning: the configuration declares no secrets, so only well-known forms are looked for')
}

function tellLeftOut({ tooShort, unread, doubts }: KnownValues, terminal: Terminal): void {
  for (const { name, reason } of doubts) note(terminal, `warning: ${name}: ${visible(reason)}`)
  for (const { name, reason, code } of unread) note(terminal, `warning: ${name} is not looked for: ${visible(reason)} (${code})`)
  if (tooShort.length > 0) note(terminal, `warning: too short to look for, under ${leastBytes} bytes: ${tooShort.join(', ')}`)
}

interface Search extends KnownValues {
  /** Where the credentials of the configuration belong. */
  readonly ownFiles: ReadonlySet<string>
  readonly unreadable: string[]
}

interface Scanned {
  readonly result: ScanResult
  readonly findings: readonly Finding[]
}

async function scanSources(
  terminal: Terminal,
  flags: ScanFlags,
  paths: readonly string[],
  { matcher, ownFiles, unreadable }: Search,
): Promise<Scanned> {
  const progress = new ProgressLine(terminal)
  const options: SourceOptions = {
    cwd: terminal.cwd(),
    isExcluded: excluder(flags.exclude ?? []),
    unreadable: (path) => unreadable.push(path),
  }
  const needsGit = flags.history === true || flags.staged === true
  const repository = needsGit ? await repositoryAt(options.cwd, terminal.env) : undefined
  if (flags.history && repository !== undefined && (await isShallow(repository)))
    note(terminal, 'warning: this clone is shallow, so most of the history is not here: fetch it with git fetch --unshallow')
  let bytes = 0
  const onBytes = (count: number): void => {
    bytes += count
    progress.show(() => `searched ${megabytes(bytes)} MB`)
  }
  const findForms = flags.onlyValues ? undefined : await loadKnownForms()
  const contents = joined(await sourcesOf(flags, paths, repository, { ...options, ownFiles }))
  const result = await progress.during(async () => scanContents(contents, { matcher, findForms, onBytes }, options.unreadable))
  return { result, findings: repository === undefined ? result.findings : await withCommits(result.findings, repository) }
}

/** By the path, or by the name alone. */
function excluder(globs: readonly string[]): (path: string) => boolean {
  return (path) => globs.some((glob) => matchesGlob(path, glob) || matchesGlob(posix.basename(path), glob))
}

/** Without a path or another source: the current folder. */
async function sourcesOf(
  { history, staged, built = [] }: ScanFlags,
  paths: readonly string[],
  repository: Repository | undefined,
  { ownFiles, ...options }: SourceOptions & Pick<Search, 'ownFiles'>,
): Promise<Contents[]> {
  const isOther = repository !== undefined || built.length > 0
  const named = paths.length === 0 && !isOther ? ['.'] : paths
  const isExcluded = (path: string): boolean => options.isExcluded(path) || ownFiles.has(resolve(options.cwd, path))
  return [
    await filesAt({ ...options, isExcluded, paths: named, withPackages: false }),
    await filesAt({ ...options, paths: built, withPackages: true }),
    ...(repository !== undefined && staged ? [stagedIn(repository, options)] : []),
    ...(repository !== undefined && history ? [historyOf(repository, options)] : []),
  ]
}

/** One after the other; a file that two of them have, once. */
async function* joined(sources: readonly Contents[]): Contents {
  const files = new Set<string>()
  for (const source of sources) {
    for await (const content of source) {
      if (content.kind !== 'file' || !files.has(content.path)) yield content
      if (content.kind === 'file') files.add(content.path)
    }
  }
}

/** A commit that has the object, for what was found in the history. */
async function withCommits(findings: readonly Finding[], repository: Repository): Promise<Finding[]> {
  const commits = new Map<string, string | undefined>()
  for (const { object, kind, path } of findings)
    if (object !== undefined && kind === 'blob' && !commits.has(object)) commits.set(object, await commitOf(repository, object, path))
  return findings.map((finding) => {
    const { object = '', kind } = finding
    return { ...finding, commit: kind === 'blob' ? commits.get(object) : kind === 'commit' ? object : undefined }
  })
}

async function print(
  findings: readonly Finding[],
  { contents, bytes }: ScanResult,
  { tooShort, unread, doubts }: KnownValues,
  { json, sarif }: ScanFlags,
  terminal: Terminal,
): Promise<void> {
  const notSearched = [...unread.map(({ name, code }) => ({ name, code })), ...tooShort.map((name) => ({ name, code: 'TOO_SHORT' }))]
  if (sarif) terminal.stdout.write(`${JSON.stringify(sarifOf(findings))}\n`)
  else if (json)
    terminal.stdout.write(`${JSON.stringify({ findings, contents, bytes, notSearched, outdated: doubts.map(({ name }) => name) })}\n`)
  else await printFindings(findings, terminal)
}

function tell(findings: readonly Finding[], { contents, bytes }: ScanResult, terminal: Terminal): void {
  const searched = `${counted(contents, 'file or object', 'files and objects')}, ${megabytes(bytes)} MB`
  if (findings.length === 0) return note(terminal, `nothing was found in ${searched}`)
  note(terminal, `${counted(findings.length, 'place was', 'places were')} found in ${searched}`)
  note(terminal, 'fix: rotate each secret first, since others may have read it; then remove it there')
  for (const name of namesOf(findings.filter(({ isCredential }) => isCredential)))
    note(terminal, `     ${name}: renew it where it was given out, and keep it in a place that git ignores`)
  for (const key of namesOf(findings.filter(({ isCredential }) => !isCredential)))
    note(terminal, `     finchat-secrets set ${key}, or rotate, where the configuration says how`)
  if (findings.some(({ commit }) => commit !== undefined))
    note(terminal, '     pushed commits stay known: rewriting the history does not undo that')
}

function namesOf(findings: readonly Finding[]): ReadonlySet<string> {
  return new Set(findings.flatMap(({ name }) => (name === undefined ? [] : [name.split('#')[0] ?? ''])))
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1)
}

/** What was found comes first, then what was not looked for, then what was not read. */
function exitCodeOf(findings: readonly Finding[], { unread }: KnownValues, unreadable: readonly string[]): number {
  if (findings.length > 0) return exitCodes.differs
  return unread[0]?.exitCode ?? (unreadable.length > 0 ? exitCodes.other : exitCodes.ok)
}
