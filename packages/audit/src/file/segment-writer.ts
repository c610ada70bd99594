import { type FileHandle, open, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { advanceEpoch, type Epoch, type EpochOptions, type OpenEpoch } from './next-epoch.ts'
import type { OwnSegment } from './unrecorded-ends.ts'
import { canonicalLine, canonicalText } from '../record/canonical.ts'
import { checkpointLine, type CheckpointSigner } from '../format/checkpoint-line.ts'
import { lockOf, segmentName } from '../format/end-of-segment.ts'
import { FileLock } from './file-lock.ts'
import type { ChainKey } from '../format/key-chain.ts'
import { LineBuffer } from './line-buffer.ts'
import { noSeals, sealsWith } from '../record/digest.ts'
import { type SegmentHeader } from '../format/segment-format.ts'
import { maxGroupRecords } from '../format/segment-reader.ts'
import { syncFolder } from '../format/fsync.ts'

/** Where a segment stands: what is on disk, and the key of the group that comes next. */
interface Position {
  readonly group: number
  /** Whoever makes the next position overwrites it, once that one counts. */
  readonly key: ChainKey
  readonly bytes: number
  readonly records: number
  /** The hash over all seals. */
  readonly seals: Buffer
}

export interface SegmentOptions {
  readonly folder: string
  readonly isDurable: boolean
}

interface Sealing {
  /** How many of the lines are records. */
  readonly count: number
  /** The first group that is written with it. Default: it alone. */
  readonly start?: number
  readonly end?: true
}

/** Writes one segment, group by group. Keys that sealed what is on disk are gone. */
export class SegmentWriter {
  readonly openedAt: number = Date.now()
  readonly #options: SegmentOptions
  /** Without the step's key, from which the keys of all groups can be made. */
  readonly #place: Epoch
  readonly #file: FileHandle
  readonly #lock: FileLock
  readonly #lines = new LineBuffer()
  #position: Position
  #isBroken = false
  #isOver = false
  #isWiped = false

  private constructor(options: SegmentOptions, step: OpenEpoch, file: FileHandle, lock: FileLock) {
    this.#options = options
    this.#place = { folder: step.folder, step: step.step, line: step.line }
    this.#file = file
    this.#lock = lock
    this.#position = { group: 0, key: step.key.derived('segment'), bytes: 0, records: 0, seals: noSeals }
  }

  /** Takes a step of the folder's key for it. `ended` is what this process ended before. */
  static async open(
    options: SegmentOptions,
    ended: readonly OwnSegment[],
    waiting: Pick<EpochOptions, 'patienceMs' | 'signal'> = {},
  ): Promise<SegmentWriter> {
    const created: SegmentWriter[] = []
    const create = async (step: OpenEpoch): Promise<void> => void created.push(await SegmentWriter.#create(options, step))
    try {
      await advanceEpoch(options.folder, { ...waiting, ended, open: create })
    } catch (error) {
      await created[0]?.abandon()
      created[0]?.wipe()
      throw error
    }
    const [writer] = created
    if (writer === undefined) throw new SecretsError('INTERNAL', 'a step opened no segment')
    return writer
  }

  static async #create(options: SegmentOptions, step: OpenEpoch): Promise<SegmentWriter> {
    const lock = FileLock.tryTake(lockOf(options.folder, step.step))
    if (lock === undefined) throw new SecretsError('AUDIT_FAILED', 'another process has the lock of a segment that does not exist yet')
    const file = await open(join(options.folder, segmentName(step.step)), 'ax', 0o600).catch((error: unknown) => {
      lock.release()
      throw error
    })
    const writer = new SegmentWriter(options, step, file, lock)
    const { folder, step: number } = step
    const header: SegmentHeader = { folder, host: hostname(), kind: 'segment', pid: process.pid, step: number, time: writer.openedAt, v: 2 }
    try {
      await Promise.all([
        writer.#commit(writer.#sealed(writer.#position, [canonicalText(header)], { count: 0 })),
        syncFolder(options.folder),
      ])
      return writer
    } catch (error) {
      await writer.abandon()
      writer.wipe()
      throw error
    }
  }

  get step(): number {
    return this.#place.step
  }

  /** The step at which it was opened. */
  get place(): Epoch {
    return this.#place
  }

  get bytes(): number {
    return this.#position.bytes
  }

  /** It cannot be written any more: what was to be on disk may be, or not. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /**
   * It is as it should be, and takes only its end: somebody moved the file, as tools that rotate logs
   * do, or a part of a write was taken back.
   */
  get isOver(): boolean {
    return this.#isOver
  }

  /**
   * Resolves when all lines are on disk; rejects if that is not certain, and leaves the file as it was
   * if it can. It can write on only if no part of them was in the file. `meanwhile` is called when
   * the disk has begun.
   */
  async append(lines: readonly string[], meanwhile: () => void): Promise<void> {
    if (lines.length === 0) return
    const position = this.#sealedGroups(lines)
    await this.#write(position)
    const onDisk = Promise.all([this.#sync(), this.#assertStillThere(position.bytes)])
    meanwhile()
    try {
      await onDisk
    } catch (error) {
      // What is in the file now, nobody can say: the system may have dropped it. A group that goes on from here might be a second one of its number.
      this.#isBroken = true
      position.key.wipe()
      throw error
    }
    this.#goOnTo(position)
  }

  /**
   * The state of this segment, signed by a key that only goes forward. `head` is the last step that
   * is known. `undefined`: the key is gone.
   */
  checkpoint(head: Pick<Epoch, 'step' | 'line'>, sign?: CheckpointSigner): string | undefined {
    if (this.#isWiped) return undefined
    const { group, key, bytes, records, seals } = this.#position
    const { folder, step } = this.#place
    const stands = { folder, step, group: group - 1, bytes, records, seals: seals.toString('base64url') }
    const state = { ...stands, index: head.step, head: head.line, time: Date.now() }
    return checkpointLine(state, key, sign)
  }

  /** Seals the end, and has all on disk even where `durable` is false: the index will say for ever how long it is. Nothing can be written after. */
  async end(): Promise<OwnSegment> {
    await this.#commit(this.#sealed(this.#position, [], { count: 0, end: true }), true)
    await this.abandon()
    const { group, bytes, records, seals } = this.#position
    const { folder, step } = this.#place
    const end = { step, bytes, group: group - 1, records, seals: seals.toString('base64url'), torn: 0 }
    return { folder, segment: { ...end, found: 'ended' } }
  }

  /** Leaves the segment to whoever opens the next one, who records how it was found. */
  async abandon(): Promise<void> {
    this.#isBroken = true
    await this.#file.close().catch(() => {})
    this.#lock.release()
  }

  /** Nothing can be signed any more, no checkpoint either. */
  wipe(): void {
    this.#isWiped = true
    this.#position.key.wipe()
  }

  #goOnTo(position: Position): void {
    this.#position.key.wipe()
    this.#position = position
  }

  /** Adds the lines, in groups, to what is written next: all of them, or none. Returns where the segment then stands. */
  #sealedGroups(lines: readonly string[]): Position {
    const first = this.#position
    let position = first
    try {
      for (let at = 0; at < lines.length; at += maxGroupRecords) {
        const group = lines.slice(at, at + maxGroupRecords)
        const next = this.#sealed(position, group, { count: group.length, start: first.group })
        if (position !== first) position.key.wipe()
        position = next
      }
      return position
    } catch (error) {
      this.#lines.clear() // there was no memory for the others, and the next batch must not bring along these
      if (position !== first) position.key.wipe()
      throw error
    }
  }

  /** Adds a group and its seal to what is written next. Returns where the segment then stands. */
  #sealed({ group, key, bytes, records, seals }: Position, lines: readonly string[], { count, start = group, end }: Sealing): Position {
    const begin = this.#lines.length
    for (const line of lines) this.#lines.add(line)
    const seal = { ...(end && { end }), group, kind: 'seal', records: count, start }
    const mac = key.mac('seal', this.#lines.since(begin), canonicalLine(seal)).toString('base64url')
    const sealAt = this.#lines.length
    this.#lines.add(canonicalText({ ...(end && { end }), group, kind: 'seal', mac, records: count, start }))
    return {
      group: group + 1,
      key: key.derived('next'),
      bytes: bytes + this.#lines.length - begin,
      records: records + count,
      seals: sealsWith(seals, this.#lines.since(sealAt)),
    }
  }

  async #commit(position: Position, isDurable = this.#options.isDurable): Promise<void> {
    await this.#write(position)
    try {
      await this.#sync(isDurable)
    } catch (error) {
      position.key.wipe()
      throw error
    }
    this.#goOnTo(position)
  }

  /** All that leads to this position. */
  async #write({ key }: Position): Promise<void> {
    try {
      await writeAll(this.#file, this.#lines.since(0))
    } catch (error) {
      key.wipe()
      await this.#takeBack().catch(() => (this.#isBroken = true))
      throw error
    } finally {
      this.#lines.clear()
    }
  }

  /**
   * What was in the file for a moment may have been copied, with a seal under this group's key: a
   * second group under that key could be replaced by it unseen.
   */
  async #takeBack(): Promise<void> {
    const { bytes } = this.#position
    if ((await this.#file.stat()).size === bytes) return
    this.#isOver = true
    await this.#file.truncate(bytes)
  }

  async #sync(isDurable = this.#options.isDurable): Promise<void> {
    if (isDurable) await this.#file.datasync()
  }

  /** A file that was moved keeps what is in it, but is not written any further; one that was removed keeps nothing. */
  async #assertStillThere(bytes: number): Promise<void> {
    const path = join(this.#options.folder, segmentName(this.step))
    const [named, own] = await Promise.all([stat(path).catch(() => undefined), this.#file.stat()])
    this.#isOver ||= named?.ino !== own.ino
    if (own.nlink > 0 && own.size === bytes) return
    throw new SecretsError('AUDIT_FAILED', 'the segment was removed or cut while it was written', {
      remedy: 'move segments, do not remove them',
    })
  }
}

/** A disk that is nearly full takes a part. */
async function writeAll(file: FileHandle, buffer: Buffer): Promise<void> {
  for (let written = 0; written < buffer.length;) written += (await file.write(buffer, written)).bytesWritten
}
