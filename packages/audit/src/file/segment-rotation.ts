import { join } from 'node:path'
import { type CheckpointOptions, Checkpoints } from './checkpoint-sender.ts'
import { lockHeld } from './file-lock.ts'
import { folderLock } from './locked-folder.ts'
import { advanceEpoch, recordDeadSegments } from './next-epoch.ts'
import type { OwnSegment } from './unrecorded-ends.ts'
import { SegmentWriter } from './segment-writer.ts'

export interface RecordFileOptions {
  readonly folder: string
  readonly isDurable: boolean
  readonly maxSegmentBytes: number
  readonly checkpoints: CheckpointOptions | undefined
}

/**
 * Of the time that is left until the trail gives up: the rest is for the step itself, and for
 * saying why.
 */
const shareForLock = 0.9
const usualPatienceMs = 5_000
/**
 * A segment goes on being opened when the record that waited for it was refused: who would ask
 * again would lose his place.
 */
const openingPatienceMs = 60_000
/** What nobody waits for is tried again later. */
const backgroundPatienceMs = 2_000
/** Below the time that a manager gives a trail to close. */
const closingPatienceMs = 2_500
const looksAtClosing = 64
/**
 * Many processes may start at once, and read their first secrets together: by then each should have
 * its segment.
 */
const aheadMs = { soon: 1_000, again: 10_000 }
/**
 * Dead processes are rare, and a crowd starts together: each looks at some segments of others in
 * its own time.
 */
const looks = { soonMs: 10_000, laterMs: 600_000, most: 16 }

/**
 * The segment that is written, and the way from one to the next: which is opened, ended and
 * recorded when.
 */
export class OpenSegments {
  readonly #options: RecordFileOptions
  readonly #checkpoints: Checkpoints | undefined
  readonly #dayChange = new DayChange()
  #writer: SegmentWriter | undefined
  /** Opened in the background. */
  #next: SegmentWriter | undefined
  #ended: readonly OwnSegment[] = []
  #opening: Promise<void> | undefined
  #recording: Promise<void> | undefined
  #looking: NodeJS.Timeout | undefined
  #ahead: NodeJS.Timeout | undefined
  /** Why the last segment could not be opened. */
  #failure: Error | undefined
  readonly #closing = new AbortController()

  constructor(options: RecordFileOptions) {
    this.#options = options
    this.#checkpoints = options.checkpoints && new Checkpoints(options.checkpoints)
    this.#openAheadIn(aheadMs.soon)
  }

  changed(writer: SegmentWriter): void {
    this.#checkpoints?.changed(writer)
  }

  /**
   * `meanwhile` is called if another segment has to be opened first, which may take as long as
   * other processes let it.
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

  /** Before the first record, at a moment that chance picks. */
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

  /**
   * A record waits for its segment until shortly before its trail gives up, and is then refused for
   * the reason that is known.
   */
  async #opened(deadlineAt: number, meanwhile: () => void): Promise<SegmentWriter> {
    meanwhile()
    await this.#end()
    this.#failure = undefined
    this.#opening ??= this.#openNext()
    await atMost(Math.min(usualPatienceMs, Math.max(0, shareForLock * (deadlineAt - performance.now()))), this.#opening)
    if (this.#next !== undefined) await this.#goOnToNext()
    if (this.#writer === undefined) throw this.#failure ?? lockHeld(join(this.#options.folder, folderLock))
    return this.#writer
  }

  #goOnTo(writer: SegmentWriter): void {
    this.#writer = writer
    this.#checkpoints?.opened(writer)
  }

  /**
   * The day is over: what was opened for the next one is written from now on, and the end of this
   * one is recorded when others let it.
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

  /** A segment that cannot be ended is left to whoever opens the next one. */
  async #end(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    if (writer === undefined) return
    try {
      if (writer.isBroken) return await writer.abandon()
      this.#ended = [...this.#ended, await writer.end()]
      this.#checkpoints?.ended(writer)
    } catch {
      await writer.abandon()
    } finally {
      if (this.#checkpoints === undefined) writer.wipe()
      else this.#checkpoints.left(writer)
    }
  }

  async #recordEnds(options: { readonly patienceMs: number; readonly mostLooks?: number }): Promise<void> {
    const ended = this.#ended
    if (ended.length === 0) return
    const step = await advanceEpoch(this.#options.folder, { ended, ...options })
    this.#recorded(ended)
    this.#checkpoints?.stepped(step)
  }

  #recorded(ended: readonly OwnSegment[]): void {
    this.#ended = this.#ended.filter((one) => !ended.includes(one))
  }

  async #openNext(): Promise<void> {
    const ended = this.#ended
    try {
      this.#next = await SegmentWriter.open(this.#options, ended, { patienceMs: openingPatienceMs, signal: this.#closing.signal })
      this.#recorded(ended)
      if (this.#looking === undefined) this.#lookAtOthersIn(looks.soonMs)
    } catch (error) {
      this.#failure = error instanceof Error ? error : undefined
      this.#dayChange.failed()
    } finally {
      this.#opening = undefined
    }
  }

  /** Whether there may be more to record soon. */
  async #lookAtOthers(): Promise<boolean> {
    try {
      await this.#recordEnds({ patienceMs: backgroundPatienceMs }) // if that failed before
      const step = await recordDeadSegments(this.#options.folder, looks.most, backgroundPatienceMs)
      if (step !== undefined) this.#checkpoints?.stepped(step)
      return step !== undefined
    } catch {
      return false
    }
  }

  /**
   * One after the other. What fails is done by whoever opens or ends the next segment, and told
   * there if it fails again.
   */
  #inBackground(run: () => Promise<void>): void {
    this.#recording = (this.#recording ?? Promise.resolve()).then(run).catch(() => {})
  }
}

async function atMost(milliseconds: number, waiting: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)))
  await Promise.race([waiting, over])
  clearTimeout(timer)
}

const dayMs = 86_400_000
/** Hundreds of processes share the folder's lock: they must not all come at midnight. */
const spreadMs = 300_000
const soonestRetryMs = 5_000

/**
 * When this process, by chance, begins the segments of a new day. Times are of the host's clock.
 */
class DayChange {
  readonly #afterMidnightMs = Math.random() * spreadMs
  #retryAt = -Infinity

  /** Whether a segment that was opened then is of a day that is over. */
  isDue(openedAt: number, now: number): boolean {
    const midnight = (Math.floor(openedAt / dayMs) + 1) * dayMs
    return now >= midnight + this.#afterMidnightMs && performance.now() >= this.#retryAt
  }

  /** It did not succeed, and is tried again in a while: there is another segment to write to. */
  failed(): void {
    this.#retryAt = performance.now() + soonestRetryMs * (1 + Math.random())
  }
}
