import { join } from 'node:path'
import { types } from 'node:util'
import { pause } from '@finchat/secrets-core/provider'
import { type CheckpointOptions, CheckpointSender } from './checkpoint-sender.ts'
import { lockHeld } from './file-lock.ts'
import { folderLock } from './locked-folder.ts'
import { advanceEpoch, type Epoch, recordDeadSegments } from './next-epoch.ts'
import { onRotation } from './current-folder.ts'
import { type FolderPeriod, TrailFolders } from './trail-folders.ts'
import type { OwnSegment } from './unrecorded-ends.ts'
import { SegmentWriter } from './segment-writer.ts'

export interface RotationOptions {
  readonly folder: string
  readonly isDurable: boolean
  readonly maxSegmentBytes: number
  readonly folderPer: FolderPeriod | undefined
  readonly checkpoints: CheckpointOptions | undefined
}

/** A share of the time until the trail gives up; the rest is for saying why. */
const shareForLock = 0.95
const usualPatienceMs = 5_000
/**
 * Opening goes on after its record was refused, or this process would lose its place in the queue.
 */
const openingPatienceMs = 60_000
/** Background work is retried later. */
const backgroundPatienceMs = 2_000
/** Below a manager's limit for closing a trail. */
const closingPatienceMs = 2_500
const looksAtClosing = 64
/** Processes that start together spread their first segments over this time. */
const aheadMs = { soon: 1_000, again: 10_000 }
/** Dead processes are rare: each process checks a few segments of others, at random times. */
const looks = { soonMs: 10_000, laterMs: 600_000, most: 16 }

/** Opens, replaces and records the segments of this process. */
export class SegmentRotation {
  readonly #options: RotationOptions
  readonly #checkpoints: CheckpointSender | undefined
  readonly #dayChange = new DayChange()
  #writer: SegmentWriter | undefined
  /** Opened in the background. */
  #next: SegmentWriter | undefined
  #ended: readonly OwnSegment[] = []
  #opening: Promise<void> | undefined
  /** Says that a record waits for the segment that is being opened. */
  #hurry: (() => void) | undefined
  #recording: Promise<void> | undefined
  #looking: NodeJS.Timeout | undefined
  #ahead: NodeJS.Timeout | undefined
  /** Why the last segment could not be opened. */
  #failure: Error | undefined
  readonly #closing = new AbortController()
  readonly #folders: TrailFolders
  readonly #endListening: () => void

  constructor(options: RotationOptions) {
    this.#options = options
    this.#folders = new TrailFolders(options.folder, options.folderPer)
    this.#endListening = onRotation(options.folder, () => this.#moveOn().catch(() => {})) // a look does it later
    this.#checkpoints = options.checkpoints && new CheckpointSender(options.checkpoints)
    this.#openAheadIn(aheadMs.soon)
  }

  changed(writer: SegmentWriter): void {
    this.#checkpoints?.changed(writer)
  }

  /**
   * `meanwhile` is called if a segment has to be opened first, which may wait for other processes.
   */
  async writer(deadlineAt: number, meanwhile: () => void): Promise<SegmentWriter> {
    clearTimeout(this.#ahead)
    if (this.#next !== undefined) await this.#goOnToNext()
    const writer = this.#writer
    if (writer === undefined || !this.#canTake(writer)) return this.#opened(deadlineAt, meanwhile)
    if (this.#dayChange.isDue(writer.openedAt, Date.now())) this.#opening ??= this.#openNext()
    return writer
  }

  async close(): Promise<void> {
    this.#endListening()
    this.#closing.abort()
    clearTimeout(this.#looking)
    clearTimeout(this.#ahead)
    await Promise.all([this.#opening, this.#recording])
    try {
      await this.#end()
      this.#writer = this.#next
      await this.#end()
      if (this.#ended.length > 0) await this.#recordEnds({ patienceMs: closingPatienceMs, mostLooks: looksAtClosing })
    } finally {
      await this.#checkpoints?.close()
    }
  }

  /** Before the first record, at a random time. */
  #openAheadIn(ms: number): void {
    const open = async (): Promise<void> => {
      this.#opening ??= this.#openNext()
      await this.#opening
      if (this.#next === undefined && this.#writer === undefined && !this.#closing.signal.aborted) this.#openAheadIn(aheadMs.again)
    }
    this.#ahead = setTimeout(() => void open(), ms * Math.random()).unref()
  }

  #canTake(writer: SegmentWriter): boolean {
    return !writer.isBroken && !writer.isOver && writer.bytes < this.#options.maxSegmentBytes
  }

  /** Refuses a record shortly before its trail gives up, for the known reason. */
  async #opened(deadlineAt: number, meanwhile: () => void): Promise<SegmentWriter> {
    meanwhile()
    await this.#end()
    this.#failure = undefined
    this.#opening ??= this.#openNext()
    this.#hurry?.()
    await pause(Math.min(usualPatienceMs, Math.max(0, shareForLock * (deadlineAt - performance.now()))), undefined, this.#opening)
    if (this.#next !== undefined) await this.#goOnToNext()
    if (this.#writer === undefined) throw this.#failure ?? lockHeld(join(this.#options.folder, folderLock))
    return this.#writer
  }

  #goOnTo(writer: SegmentWriter): void {
    this.#writer = writer
    this.#checkpoints?.opened(writer)
  }

  /**
   * Continues in the segment that was opened for the new day, and records the old one's end later.
   */
  async #goOnToNext(): Promise<void> {
    const next = this.#next
    this.#next = undefined
    await this.#end()
    if (next !== undefined) this.#goOnTo(next)
    this.#inBackground(() => this.#recordEnds({ patienceMs: backgroundPatienceMs }))
  }

  #lookAtOthersIn(ms: number): void {
    if (this.#closing.signal.aborted) return
    const look = (): void =>
      this.#inBackground(async () => this.#lookAtOthersIn((await this.#lookAtOthers()) ? looks.soonMs : looks.laterMs))
    this.#looking = setTimeout(look, ms * (0.5 + Math.random())).unref()
  }

  /** Leaves a segment that cannot be ended to the next process. */
  async #end(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    if (writer === undefined) return
    try {
      if (writer.isBroken) return await writer.release()
      const ended = await writer.end()
      this.#ended = [...this.#ended, ended] // others may have been recorded meanwhile
      this.#checkpoints?.ended(writer)
    } catch {
      await writer.release()
    } finally {
      if (this.#checkpoints === undefined) writer.wipe()
      else this.#checkpoints.left(writer)
    }
  }

  /** A segment that was opened, and that the trail left before a record came. */
  async #discard(unused: SegmentWriter): Promise<void> {
    try {
      const ended = await unused.end()
      this.#ended = [...this.#ended, ended]
    } catch {
      await unused.release()
    } finally {
      unused.wipe()
    }
  }

  async #recordEnds(options: { readonly patienceMs: number; readonly mostLooks?: number }): Promise<void> {
    for (const folder of new Set(this.#ended.map(({ path }) => path))) {
      const ended = this.#endedIn(folder)
      const step = await advanceEpoch(folder, { ended, ...options })
      this.#recorded(ended)
      this.#checkpoints?.stepped(step)
    }
  }

  #endedIn(folder: string): readonly OwnSegment[] {
    return this.#ended.filter(({ path }) => path === folder)
  }

  /** Where the trail goes on in another folder than that of the last segment. */
  async #moveOn(): Promise<void> {
    const last = this.#next ?? this.#writer
    if (last === undefined || last.folder === (await this.#folders.current()) || this.#closing.signal.aborted) return
    this.#opening ??= this.#openNext()
    await this.#opening
  }

  #recorded(ended: readonly OwnSegment[]): void {
    this.#ended = this.#ended.filter((one) => !ended.includes(one))
  }

  async #openNext(): Promise<void> {
    const urgent = Promise.withResolvers<void>()
    this.#hurry = urgent.resolve
    try {
      const wait = { patienceMs: openingPatienceMs, signal: this.#closing.signal, urgent: urgent.promise }
      await this.#folders.inCurrent(async (folder, within) => {
        const ended = this.#endedIn(folder)
        const opened = await SegmentWriter.open({ ...this.#options, ...within, folder }, ended, wait)
        this.#recorded(ended)
        const unused = this.#next
        this.#next = opened
        if (unused !== undefined) await this.#discard(unused)
      })
      if (this.#looking === undefined) this.#lookAtOthersIn(looks.soonMs)
    } catch (error) {
      this.#failure = types.isNativeError(error) ? error : undefined
      this.#dayChange.failed()
    } finally {
      this.#opening = undefined
    }
  }

  /** Returns whether there may be more to record. */
  async #lookAtOthers(): Promise<boolean> {
    try {
      await this.#recordEnds({ patienceMs: backgroundPatienceMs }) // if that failed before
      await this.#moveOn()
      const steps: (Epoch | undefined)[] = []
      for (const folder of await this.#folders.inUse()) steps.push(await recordDeadSegments(folder, looks.most, backgroundPatienceMs))
      for (const step of steps) if (step !== undefined) this.#checkpoints?.stepped(step)
      return steps.some((step) => step !== undefined)
    } catch {
      return false
    }
  }

  /** In order. A failure is retried with the next segment, and reported there. */
  #inBackground(run: () => Promise<void>): void {
    this.#recording = (this.#recording ?? Promise.resolve()).then(run).catch(() => {})
  }
}

const dayMs = 86_400_000
/** Hundreds of processes share the folder's lock, and must not all take it at midnight. */
const spreadMs = 300_000
const soonestRetryMs = 5_000

/**
 * When this process begins a new day's segment: at a random time after midnight, by the host's
 * clock.
 */
class DayChange {
  readonly #afterMidnightMs = Math.random() * spreadMs
  #retryAt = -Infinity

  isDue(openedAt: number, now: number): boolean {
    const midnight = (Math.floor(openedAt / dayMs) + 1) * dayMs
    return now >= midnight + this.#afterMidnightMs && performance.now() >= this.#retryAt
  }

  /** Retried later: the old segment still takes records. */
  failed(): void {
    this.#retryAt = performance.now() + soonestRetryMs * (1 + Math.random())
  }
}
