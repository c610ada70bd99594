import { realpathSync, statSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, rename, rm, stat, truncate, utimes } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { configurationError, pause } from '@finchat/secrets-core/provider'
import { folderError, shownPath, unlessMissing } from '../disk/folder-errors.ts'
import { keyFile } from '../format/folder-key.ts'
import { syncFile, syncFolder } from '../disk/fsync.ts'
import { heldIndex, isHeld, lockOfCopy } from '../file/copy-lock.ts'
import type { FileLock } from '../file/file-lock.ts'
import { folderLock } from '../file/locked-folder.ts'
import { asIndexEntry } from '../format/index-line.ts'
import { successorsIn } from '../format/index-marks.ts'
import { extentOf, type IndexExtent } from './index-extent.ts'
import { removeUnfinished } from './remove-unfinished.ts'
import { auditorKeyFile, type SegmentFile, segmentFiles, stepOfName } from '../format/segment-files.ts'
import { indexFile, isRegularFile, linesOf } from '../format/segment-reader.ts'

/** A file while it is copied. */
const partial = 'copying.part'

type OnProgress = (done: number, all: number) => void

/** A trail goes on in another folder some milliseconds before that folder is ready; longer where its disk is slow. */
const patience = { tries: 40, pauseMs: 50, mostTries: 2_400 }

/** One call's work on the trail itself. */
export class TrailCopy {
  segments = 0
  copied = 0
  readonly #folder: string
  readonly #target: string
  readonly #onProgress: OnProgress | undefined
  /** Of the index of the copy before, which was complete: its segments are in the target as they ended. */
  #copiedBytes = 0

  constructor(folder: string, target: string, onProgress: OnProgress | undefined) {
    this.#folder = folder
    this.#target = target
    this.#onProgress = onProgress
  }

  /** Without an index, half a copy is not taken for a damaged trail. */
  async begin(): Promise<void> {
    const [index, copied, held] = [join(this.#folder, indexFile), join(this.#target, indexFile), join(this.#target, heldIndex)]
    try {
      const first = await firstLine(index)
      for (const former of [copied, held]) if (await this.#isOfAnother(former, first)) throw otherTrail(this.#target)
      await mkdir(this.#target, { recursive: true, mode: 0o700 })
      this.#copiedBytes = statSync(copied, { throwIfNoEntry: false })?.size ?? 0
      await rename(copied, held).catch(unlessMissing)
    } catch (error) {
      throw folderError(error, this.#folder)
    }
  }

  /**
   * By the first line of the target's index. Where two copies ran at once in an earlier release, that
   * may be another file or half of one, and the segments tell.
   */
  async #isOfAnother(former: string, first: Buffer): Promise<boolean> {
    const line = await firstLine(former).catch(unlessMissing)
    if (line === undefined || line.equals(first)) return false
    if (asIndexEntry(line) !== undefined) return true
    const own = asIndexEntry(first)?.folder
    return (await segmentFiles(this.#target)).some(({ header }) => header !== undefined && header.folder !== own)
  }

  /**
   * The first folder, and those that follow it: its index comes last, so that half a copy has none.
   * `checkpointsOf` is called before each of the others, which may have begun since their checkpoints were listed.
   */
  async copyFolders(
    checkpointsOf: (name: string) => Promise<void> = async () => {},
  ): Promise<{ readonly segments: number; readonly copied: number }> {
    let next = await this.copySegments()
    const sum = { segments: this.segments, copied: this.copied }
    while (next !== undefined) {
      const [from, to] = [join(this.#folder, next), join(this.#target, next)]
      const folder = new TrailCopy(from, to, this.#onProgress)
      await folder.begin()
      await checkpointsOf(next)
      next = await folder.copySegments(this.#folder)
      await folder.finish()
      sum.segments += folder.segments
      sum.copied += folder.copied
    }
    await this.finish()
    return sum
  }

  /**
   * Again if old segments were pruned meanwhile: only a later index says so. Returns the name of the
   * folder in which the trail goes on.
   */
  async copySegments(root: string = this.#folder): Promise<string | undefined> {
    const [index, held] = [join(this.#folder, indexFile), join(this.#target, heldIndex)]
    try {
      await this.#copySealedKey()
      let extent: IndexExtent | undefined
      while (extent?.prunes !== (await extentOf(index)).prunes) {
        await copyTo(index, held)
        extent = await extentOf(held, this.#copiedBytes)
        await this.#copyAll(extent)
      }
      const next = extent?.next
      return next !== undefined && (await this.#isReady(join(root, next.name), next.at)) ? next.name : undefined
    } catch (error) {
      throw folderError(error, this.#folder)
    }
  }

  async finish(): Promise<void> {
    try {
      await rename(join(this.#target, heldIndex), join(this.#target, indexFile))
      await syncFolder(this.#target)
    } catch (error) {
      throw folderError(error, this.#target)
    }
  }

  /** A tool for log rotation may rename a file after the folder was listed. */
  async #copyAll({ lines, ended }: IndexExtent): Promise<void> {
    const done = new Map<string, number>()
    this.segments = 0
    await this.#removeMistaken()
    for (let pass = 0; pass < 2; pass++) await this.#copyKnown(lines, done)
    await this.#removeFormer(done)
    await removeUnfinished(this.#target, new Set(done.keys()), ended)
  }

  async #copyKnown(lines: number, done: Map<string, number>): Promise<void> {
    const files = (await segmentFiles(this.#folder)).filter(({ isFile }) => isFile)
    const known = files.filter((file) => stepOf(file) < lines)
    for (const file of known) {
      const name = basename(file.path)
      if (done.has(name)) continue
      const isCopied = await copyIfChanged(file.path, join(this.#target, name)).catch(unlessMissing)
      if (isCopied === undefined) continue
      done.set(name, stepOf(file))
      this.segments++
      if (isCopied) this.copied++
      this.#onProgress?.(done.size, known.length)
    }
  }

  /** What an earlier call copied before a tool compressed or renamed it: that copy would count as the segment. */
  async #removeFormer(done: ReadonlyMap<string, number>): Promise<void> {
    const steps = new Set(done.values())
    for (const file of await segmentFiles(this.#target))
      if (file.isFile && steps.has(stepOf(file)) && !done.has(basename(file.path))) await rm(file.path)
  }

  /** A segment under the name of another, of two copies that ran at once in an earlier release. */
  async #removeMistaken(): Promise<void> {
    for (const { path, header } of await segmentFiles(this.#target))
      if (header !== undefined && (stepOfName(path) ?? header.step) !== header.step) await rm(path)
  }

  /**
   * Whether the folder is there in which the trail goes on. If a process died while it made it, nothing
   * is in it yet, and the copy ends before the line that names it. One that lives has the lock.
   */
  async #isReady(next: string, namedAt: number): Promise<boolean> {
    for (let tries = 0, mayCome = true; mayCome; tries++) {
      // Before the look: what is ready then was made ready under the lock.
      mayCome = tries < patience.tries || (tries < patience.mostTries && isHeld(join(this.#folder, folderLock)))
      if (await isRegularFile(join(next, keyFile)).catch(unlessMissing)) return true
      if (mayCome) await pause(patience.pauseMs)
    }
    await truncate(join(this.#target, heldIndex), namedAt)
    return false
  }

  async #copySealedKey(): Promise<void> {
    const path = join(this.#folder, auditorKeyFile)
    if (await isRegularFile(path).catch(unlessMissing)) await copyIfChanged(path, join(this.#target, auditorKeyFile))
  }
}

/** One copy into a target at a time: two would take each other's files away. Makes the target, unless there is no trail. */
export async function inLockedTarget<Result>(folder: string, target: string, work: () => Promise<Result>): Promise<Result> {
  let lock: FileLock
  try {
    await firstLine(join(folder, indexFile))
    await mkdir(target, { recursive: true, mode: 0o700 })
    lock = await lockOfCopy(target)
  } catch (error) {
    throw folderError(error, folder)
  }
  try {
    return await work()
  } finally {
    lock.release()
  }
}

/** Throws `CONFIGURATION` if a copy at this target would be the trail, or lie in it, or hold it. */
export function assertApart(folder: string, target: string): void {
  const [own, to] = [realPath(folder), realPath(target)]
  const audit = join(to, 'audit')
  if (to === own || audit === own) throw configurationError(`source and target are the same folder: ${shownPath(folder)}`, another)
  if (isBelow(audit, own)) throw configurationError(`the copy would lie in the trail's own folder: ${shownPath(folder)}`, another)
  if (isBelow(own, audit)) throw configurationError(`the trail lies in the folder of the copy: ${shownPath(audit)}`, another)
}

const another = 'name another folder for the copy'

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder + sep)
}

/** Without links, also of a folder that is not there yet. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return dirname(path) === path ? path : join(realPath(dirname(path)), basename(path))
  }
}

export async function copyCheckpoints(from: string, to: string): Promise<void> {
  try {
    await mkdir(to, { recursive: true, mode: 0o700 })
    const isFolder = (await stat(from)).isDirectory()
    const names = isFolder ? await readdir(from) : []
    for (const path of isFolder ? names.map((name) => join(from, name)) : [from])
      if (await isRegularFile(path)) await copyIfChanged(path, join(to, basename(path)))
    await syncFolder(to)
    for (const name of successorsIn(names)) await copyCheckpoints(join(from, name), join(to, name))
  } catch (error) {
    throw folderError(error, from, 'the checkpoints')
  }
}

/** Those of a folder in which the trail goes on, if they are apart. */
export async function copyCheckpointsOf(name: string, from: string, to: string): Promise<void> {
  const own = join(from, name)
  if (statSync(own, { throwIfNoEntry: false })?.isDirectory() === true) await copyCheckpoints(own, join(to, name))
}

/** A file that grew meanwhile has another time then, and is copied again by the next call. */
async function copyIfChanged(from: string, to: string): Promise<boolean> {
  const [source, copy] = [await stat(from), await stat(to).catch(unlessMissing)]
  if (copy !== undefined && copy.size === source.size && Math.trunc(copy.mtimeMs) === Math.trunc(source.mtimeMs)) return false
  await copyTo(from, to, source.mtimeMs)
  return true
}

async function copyTo(from: string, to: string, mtimeMs?: number): Promise<void> {
  const temporary = join(to, '..', partial)
  await rm(temporary, { force: true })
  await copyFile(from, temporary)
  await chmod(temporary, 0o600)
  await syncFile(temporary)
  if (mtimeMs !== undefined) await utimes(temporary, mtimeMs / 1_000, mtimeMs / 1_000)
  await rename(temporary, to)
}

async function firstLine(path: string): Promise<Buffer> {
  for await (const lines of linesOf(path)) for (const line of lines) return Buffer.from(line)
  return Buffer.alloc(0)
}

function stepOf({ header, path }: SegmentFile): number {
  return header?.step ?? stepOfName(path) ?? 0
}

function otherTrail(target: string): Error {
  return configurationError(`the target holds a copy of another trail: ${shownPath(target)}`, 'name a new folder')
}
