import { resolve } from 'node:path'
import type * as report from '@finchat/secrets-audit/report'
import { loadOnUse, SecretsError } from '@finchat/secrets-core/provider'
import { exitCodes } from '../terminal/exit-codes.ts'
import { UsageError } from '../terminal/failure.ts'
import { inCommands } from '../terminal/in-commands.ts'
import { ProgressLine } from '../terminal/progress.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import { visible } from '../terminal/visible.ts'
import type { CommandContext } from '../commands/context.ts'
import { auditorsKeys, isStrangeKey, type KeyFlags, type KeyOf, ownPackage, strangeKey, textIn } from './auditors-keys.ts'
import { trailFolder } from './trail-folder.ts'

/** How trails are verified. */
export interface TrailFlags extends KeyFlags {
  readonly checkpoints?: string
  readonly checkpointKey?: string
  readonly pruneKey?: string
  /** Leaves out the segments of another time, and with them a verdict on the whole trail. */
  readonly from?: number
  readonly to?: number
  /** The keys of sealed names. */
  readonly names?: readonly string[]
  readonly unverified?: boolean
  readonly json?: boolean
}

/** For readers that filter records by their time: the verdict is on the whole trail. */
export function withoutRange<Flags extends TrailFlags>(flags: Flags): Omit<Flags, 'from' | 'to'> {
  const { from = -Infinity, to = Infinity, ...whole } = flags
  if (from < to) return whole
  throw new UsageError('--from is not before --to', 'give the earlier time by --from')
}

export async function loadReport(): Promise<typeof report> {
  return loadOnUse(ownPackage, () => import('@finchat/secrets-audit/report'), 'verifiedTrails')
}

/** What was read of trails; of one without a verification anybody may have changed it. */
export interface ReadTrails<Result> {
  readonly trails: readonly report.ReportedTrail[]
  readonly result: Result
  /** Names that are shown as pseudonyms. */
  readonly names: readonly report.UnreadableName[]
}

type Read<Result> = (records: report.AuditRecords) => Promise<Result>

/** Reads trails once: what is read is what is verified. */
export async function readTrails<Result>(
  { terminal }: CommandContext,
  folders: readonly string[],
  flags: TrailFlags,
  readRecords: Read<Result>,
): Promise<ReadTrails<Result>> {
  const names: report.UnreadableName[] = []
  const read = await withNames(folders, flags, terminal, readRecords, names)
  if (flags.unverified) return { ...(await readUnverified(folders, flags, terminal, read)), names }
  const keyOf = await auditorsKeys(flags, terminal)
  const progress = new ProgressLine(terminal)
  const shown: Read<Result> = async (records) => read(counted(records, (count) => progress.show(() => `records verified: ${count}`)))
  const found = await progress.during(async () =>
    folders.length === 1 ? readOne(folders, flags, terminal, keyOf, shown) : readAll(folders, flags, terminal, keyOf, shown),
  )
  return { ...found, names }
}

type Found<Result> = Omit<ReadTrails<Result>, 'names'>

/** Reads the records with the names whose keys are there, and adds the others to `unreadable`. Without keys, JSON has the sealed text, for later. */
async function withNames<Result>(
  folders: readonly string[],
  { names, json }: TrailFlags,
  { cwd }: Terminal,
  read: Read<Result>,
  unreadable: report.UnreadableName[],
): Promise<Read<Result>> {
  if (names === undefined && json) return read
  const { openAuditNames } = await loadReport()
  const file = names?.map((name) => resolve(cwd(), name))
  const found = await Promise.all(folders.map(async (each) => trailFolder(each, undefined, cwd()).catch(() => undefined)))
  const folder = found.flatMap((each) => each?.path ?? [])
  return async (records) => {
    const opened = openAuditNames(records, { file, folder })
    const result = await read(opened)
    unreadable.push(...opened.unreadable)
    return result
  }
}

/** What is wrong with the only folder is the command's own failure. */
async function readOne<Result>(
  [folder = '']: readonly string[],
  flags: TrailFlags,
  terminal: Terminal,
  keyOf: KeyOf,
  read: Read<Result>,
): Promise<Found<Result>> {
  const { verifiedTrail } = await loadReport()
  const { folder: path, ...options } = await sourceOf(folder, flags, terminal, keyOf)
  const { verification, result } = await verifiedTrail(path, options, read)
  if (await isStrangeKey(verification, path, options.key)) throw strangeKey()
  return { trails: [{ folder, checkpoints: placeOf(options), verification }], result }
}

/** One that cannot be verified must not hide the others: the report names it. */
async function readAll<Result>(
  folders: readonly string[],
  flags: TrailFlags,
  terminal: Terminal,
  keyOf: KeyOf,
  read: Read<Result>,
): Promise<Found<Result>> {
  const { verifiedTrails } = await loadReport()
  const sources: report.TrailSource[] = []
  const unusable: report.ReportedTrail[] = []
  const givenAs = new Map<string, string>()
  const keys = new Map<string, Key>()
  for (const folder of folders) {
    const source = await sourceOf(folder, flags, terminal, keyOf).catch(failureText)
    if (typeof source === 'string') unusable.push({ folder, failure: source })
    else {
      sources.push(source)
      givenAs.set(source.folder, folder)
      keys.set(source.folder, source.key)
    }
  }
  if (sources.length === 0) throw new UsageError('none of these folders can be verified', `${unusable[0]?.folder}: ${unusable[0]?.failure}`)
  const { trails, result } = await verifiedTrails(sources, read)
  const judged = await Promise.all(trails.map(async (trail) => withoutStrangeKey(trail, keys.get(trail.folder))))
  return { trails: [...judged.map((trail) => named(trail, givenAs)), ...unusable], result }
}

type Key = report.TrailSource['key']

/** A key of another folder shows nothing of this one. */
async function withoutStrangeKey(trail: report.FolderVerification, key: Key = ''): Promise<report.FolderVerification> {
  const { folder, checkpoints, verification } = trail
  if (verification === undefined || !(await isStrangeKey(verification, folder, key))) return trail
  return { folder, checkpoints, failure: strangeKey().message }
}

/** The words of the user say more than an absolute path. */
function named(trail: report.FolderVerification, givenAs: ReadonlyMap<string, string>): report.ReportedTrail {
  const nameOf = (folder: string): string => givenAs.get(folder) ?? folder
  const twin = trail.twin && { ...trail.twin, folder: nameOf(trail.twin.folder) }
  return { ...trail, folder: nameOf(trail.folder), ...(twin && { twin }) }
}

/** What a report may quote: our own errors hold no value. */
function failureText(error: unknown): string {
  if (error instanceof UsageError || SecretsError.isInstance(error)) return error.message
  throw error
}

async function sourceOf(folder: string, flags: TrailFlags, terminal: Terminal, keyOf: KeyOf): Promise<report.TrailSource> {
  const { checkpointKey, pruneKey, from, to } = flags
  const cwd = terminal.cwd()
  const { path, checkpoints } = await trailFolder(folder, flags.checkpoints, cwd)
  return {
    folder: path,
    key: await keyOf(path),
    checkpoint: checkpoints,
    checkpointKey: checkpointKey === undefined ? undefined : await textIn(resolve(cwd, checkpointKey), 'the key of checkpoints'),
    pruneKey: pruneKey === undefined ? undefined : await textIn(resolve(cwd, pruneKey), 'the key of removals'),
    from,
    until: to,
  }
}

function placeOf({ checkpoint }: Pick<report.TrailSource, 'checkpoint'>): string | undefined {
  return typeof checkpoint === 'string' ? checkpoint : undefined
}

async function readUnverified<Result>(
  folders: readonly string[],
  flags: TrailFlags,
  { cwd }: Terminal,
  read: Read<Result>,
): Promise<Found<Result>> {
  refuseProofs(flags)
  const { readAuditRecords } = await loadReport()
  const found = await Promise.all(folders.map(async (folder) => trailFolder(folder, undefined, cwd())))
  async function* all(): AsyncGenerator<report.AuditRecord> {
    for (const { path } of found) yield* readAuditRecords(path)
  }
  return { trails: folders.map((folder) => ({ folder })), result: await read(all()) }
}

function refuseProofs({ keyFile, auditorKey, checkpoints, checkpointKey, pruneKey }: TrailFlags): void {
  if ([keyFile, auditorKey, checkpoints, checkpointKey, pruneKey].every((flag) => flag === undefined)) return
  throw new UsageError('a key and checkpoints are for a verification, which --unverified leaves out', 'leave out one of them')
}

async function* counted<Item>(items: AsyncIterable<Item> | Iterable<Item>, show: (count: number) => void): AsyncGenerator<Item> {
  let count = 0
  for await (const item of items) {
    show(++count)
    yield item
  }
}

/** Says on stderr what the verification found, beside other output. */
export async function noteVerdict(subject: report.ReportSubject, terminal: Terminal, summary?: report.AuditSummary): Promise<void> {
  for (const sentence of await verdictOn(subject, summary)) note(terminal, sentence)
}

/** The verdict in words, a line each. */
export async function verdictOn(subject: report.ReportSubject, summary?: report.AuditSummary): Promise<readonly string[]> {
  const { reportSentences } = await loadReport()
  return reportSentences(subject, summary).map((sentence) => visible(inCommands(sentence)))
}

/**
 * 65: a trail was altered. 1: nothing is wrong, but no checkpoint proves that nothing was removed, an
 * expected host is missing, a folder could not be verified, or nothing was looked at.
 */
export async function exitCodeOn(subject: report.ReportSubject, summary?: report.AuditSummary): Promise<number> {
  const { reportSeverity } = await loadReport()
  return { good: exitCodes.ok, open: exitCodes.differs, bad: exitCodes.integrity }[reportSeverity(subject, summary)]
}
