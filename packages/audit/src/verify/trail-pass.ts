import { existsSync, type Stats, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { CheckpointSource } from '../checkpoints/checkpoint-reader.ts'
import { type CheckpointedFolder, checkpointedFolders, foldersNamedIn, OtherFolders } from '../checkpoints/other-folders.ts'
import { readFirstEntry } from '../format/first-entry.ts'
import { ChangedMeanwhile, readerError } from '../disk/changed-meanwhile.ts'
import { successorsOf } from '../format/successors.ts'
import { indexFile, type SegmentGroup } from '../format/segment-reader.ts'
import type { StartKey } from '../keys/start-key.ts'
import { keyOfSuccessor } from '../keys/successor-key.ts'
import type { LineDigests } from '../tables/line-digests.ts'
import { foldersGone, leftUnsaid } from './audit-problem.ts'
import type { ReadGroups } from './trail-folder-verification.ts'
import { TrailFolderVerification } from './trail-folder-verification.ts'
import type { FoundSuccessor } from './findings.ts'
import type { AuditVerification } from './audit-verification.ts'
import { VerificationReport } from './verification-report.ts'
import type { CheckedVerifyOptions } from './verify-options.ts'

interface VerifiedFolder {
  readonly name: string
  readonly start: StartKey
  readonly lines: number
}

interface FolderToVerify {
  /** Empty for the folder that was given. */
  readonly name: string
  readonly start: StartKey
  /** The hash of the line by which the folder before was left, if that was verified. */
  readonly before: string | undefined
}

interface PassOptions {
  readonly options: CheckedVerifyOptions
  readonly keepsLines: boolean
  /** What passes before this one read, which it verifies too. */
  readonly read: ReadGroups
}

/**
 * One verification of a trail: its first folder, and those that follow. Throws `ChangedMeanwhile` if a
 * file was taken away meanwhile.
 */
export class TrailPass {
  readonly #folder: string
  readonly #options: CheckedVerifyOptions
  readonly #isAlone: boolean
  /** Of a folder that follows another; else empty. */
  readonly #ownName: string
  readonly #report = new VerificationReport()
  readonly #derived: StartKey[] = []
  /** By the id of each folder that was verified. */
  readonly #verified = new Map<string, VerifiedFolder>()
  readonly #otherFolders = new OtherFolders()
  /** What the folder says of holds is unknown. */
  #lacksFolder = false
  /** Folders that are not there yet, by the key of the one before: that may have been set back. */
  readonly #beingMade: { readonly name: string; readonly folder: string }[] = []

  /** The id of its first folder. */
  readonly #trail: string
  readonly #keepsLines: boolean
  readonly #lines = new Map<string, LineDigests>()

  readonly #read: ReadGroups

  constructor(folder: string, { options, keepsLines, read }: PassOptions) {
    this.#read = read
    this.#keepsLines = keepsLines
    this.#folder = folder
    this.#options = options
    // The others lie beside a folder that follows.
    const { follows } = readFirstEntry(folder) ?? {}
    this.#isAlone = options.isAlone || follows !== undefined
    this.#ownName = follows === undefined ? '' : basename(resolve(folder))
    this.#trail = follows?.[0]?.folder ?? options.start.folder
  }

  /** The authentic groups that were not read before, in order. Overwrites the keys that it derived; the caller overwrites the first. */
  async *groups(): AsyncGenerator<SegmentGroup> {
    const index = indexStats(this.#folder)
    const left = this.#listed()
    const checkpointed = this.#isAlone ? [] : checkpointedFolders(this.#options.checkpoint)
    try {
      yield* this.#chain({ name: '', start: this.#derivedStart('') ?? this.#options.start, before: undefined }, left)
      for (const name of left) if (left.has(name)) yield* this.#unnamed(name, left)
      if (!this.#isAlone) await this.#judgeTrail(checkpointed)
      if (this.#report.problems.count > 0 && this.#isReplaced(index)) throw new ChangedMeanwhile()
    } finally {
      for (const { key } of this.#derived) key.wipe()
    }
  }

  /** A copy replaces the index, which processes only append to: what was read may be of two copies. */
  #isReplaced(before: Stats | undefined): boolean {
    const now = indexStats(this.#folder)
    // Between two copies it was there, and is gone as it was before.
    if (before === undefined) return [...this.#verified.values()].some(({ name, lines }) => name === '' && lines > 0)
    return now?.ino !== before.ino || now.birthtimeMs !== before.birthtimeMs
  }

  async #judgeTrail(checkpointed: readonly CheckpointedFolder[]): Promise<void> {
    await this.#judgeOthers(checkpointed)
    if (!this.#lacksFolder) this.#report.judgeHolds()
  }

  /** By the id of each folder, the hash of each authentic line of its index, if they are kept. */
  get lines(): ReadonlyMap<string, LineDigests> {
    return this.#lines
  }

  /** Complete once the groups were read to their end. */
  result(): AuditVerification {
    return this.#report.result()
  }

  /** Before anything is read: a folder that is made later is named by an index that is read later. */
  #listed(): Set<string> {
    try {
      return new Set(this.#isAlone ? [] : successorsOf(this.#folder))
    } catch (error) {
      throw readerError(error, this.#folder)
    }
  }

  /** A folder, and those that it says follow it. */
  async *#chain(first: FolderToVerify, left: Set<string>): AsyncGenerator<SegmentGroup> {
    for (let folder: FolderToVerify | undefined = first; folder !== undefined;) {
      const { name, start, before }: FolderToVerify = folder
      left.delete(name)
      this.#report.enter(name)
      const options = { ...this.#options, start, checkpoint: this.#checkpointsOf(name) }
      const about = {
        folder: join(this.#folder, name),
        options,
        report: this.#report,
        before,
        keepsLines: this.#keepsLines,
        trail: this.#trail,
        read: this.#read,
      }
      const verification: TrailFolderVerification = new TrailFolderVerification(about)
      yield* verification.groups()
      this.#verified.set(start.folder, { name, start, lines: verification.lines })
      if (verification.told !== undefined) this.#otherFolders.add(verification.told)
      if (verification.digests !== undefined) this.#lines.set(start.folder, verification.digests)
      folder = this.#following(verification.successor, left)
    }
  }

  #following(successor: FoundSuccessor | undefined, left: Set<string>): FolderToVerify | undefined {
    if (successor === undefined) return undefined
    const { name, start, digest } = successor
    this.#derived.push(start)
    const path = join(this.#folder, name)
    if (this.#isAlone) return undefined
    if (readFirstEntry(path) !== undefined || (!successor.isBeingMade && existsSync(path))) return { name, start, before: digest }
    left.delete(name)
    this.#lacksFolder = true
    if (successor.isBeingMade) this.#beingMade.push({ name, folder: start.folder })
    else this.#addGone(name)
    this.#otherFolders.know(start.folder)
    return undefined
  }

  /** One that no folder names, since the one before is gone or damaged. */
  async *#unnamed(name: string, left: Set<string>): AsyncGenerator<SegmentGroup> {
    const start = this.#derivedStart(name)
    if (start !== undefined) {
      this.#judgePredecessor(name)
      yield* this.#chain({ name, start, before: undefined }, left)
    } else {
      this.#report.enter('')
      this.#report.foreign(name, 'the folder does not belong to the trail')
    }
  }

  /** It was there before the index of the one before was read. */
  #judgePredecessor(name: string): void {
    const last = readFirstEntry(join(this.#folder, name))?.follows?.at(-1)
    const before = last && this.#verified.get(last.folder)
    if (before === undefined || last === undefined || last.step < before.lines) return
    this.#report.enter(before.name)
    const explanation = `the line is missing by which the trail went on in ${name}`
    this.#report.problems.add({ what: 'truncated', file: indexFile, line: last.step + 1, explanation, mayBeCopy: true })
  }

  /** A folder that was set back to before it was left names no other: only checkpoints of that one are left. */
  async #judgeOthers(checkpointed: readonly CheckpointedFolder[]): Promise<void> {
    const verified = [...this.#verified.values()]
    const others = this.#otherFolders
    const told = { verifier: this.#options.verifier, trail: this.#trail }
    for (const { name, path } of checkpointed)
      if (!verified.some((folder) => folder.name === name)) others.add(await foldersNamedIn(path, told))
    for (const { name, folder } of this.#beingMade) if (others.hasCheckpointOf(folder)) this.#addGone(name)
    for (const id of this.#verified.keys()) others.know(id)
    this.#judgeFollowed(verified)
    for (const folder of verified) {
      this.#report.enter(folder.name)
      for (const step of others.stepsLeft(folder, verified.length)) this.#report.problems.add(leftUnsaid(step, folder.lines))
    }
    if (others.laterUnknown > 0) this.#report.problems.add(foldersGone(others.laterUnknown, verified.at(-1)?.lines ?? 0))
  }

  /** Those that a verified folder follows. */
  #judgeFollowed(verified: readonly VerifiedFolder[]): void {
    for (const { name } of verified) {
      for (const before of readFirstEntry(join(this.#folder, name))?.follows ?? []) {
        if (this.#otherFolders.isKnown(before.folder)) continue
        this.#otherFolders.know(before.folder)
        this.#addGone(before.name)
      }
    }
  }

  #addGone(name: string): void {
    this.#lacksFolder = true
    this.#report.enter('')
    const explanation = 'the folder in which the trail goes on is gone, with records that nothing here counts'
    this.#report.problems.add({ what: 'missing', file: name, line: 1, explanation, mayBeCopy: true })
  }

  /** The key of a folder that follows the one that the given key is of: its own first line says how many epochs. */
  #derivedStart(name: string): StartKey | undefined {
    const entry = readFirstEntry(join(this.#folder, name))
    const start = entry?.follows && keyOfSuccessor(this.#options.start, entry.follows, entry.folder)
    if (start !== undefined) this.#derived.push(start)
    return start
  }

  #checkpointsOf(name: string): CheckpointSource | undefined {
    const { checkpoint } = this.#options
    const placed = name === '' ? this.#ownName : name
    if (typeof checkpoint !== 'string' || placed === '') return checkpoint
    const own = join(checkpoint, placed)
    return statSync(own, { throwIfNoEntry: false })?.isDirectory() === true ? own : checkpoint
  }
}

/** What cannot be looked at is judged where it is read. */
function indexStats(folder: string): Stats | undefined {
  try {
    return statSync(join(folder, indexFile), { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}
