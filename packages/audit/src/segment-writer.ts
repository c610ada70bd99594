import type { KeyObject } from 'node:crypto'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { type OwnSegment, type Step, type StepOptions, takeStep } from './audit-folder.ts'
import { canonicalLine, canonicalText } from './canonical.ts'
import { lockOf, segmentName } from './ended-segment.ts'
import { FileLock } from './file-lock.ts'
import { derivedKey, macOf } from './key-chain.ts'
import { LineBuffer } from './line-buffer.ts'
import type { SegmentHeader } from './segment-format.ts'
import { maxGroupRecords } from './segment-reader.ts'
import { syncFolder } from './synced.ts'

/** Where a segment stands: what is on disk, and the key of the group that comes next. */
interface Position {
  readonly group: number
  readonly key: KeyObject
  readonly bytes: number
  readonly records: number
}

export interface SegmentOptions {
  readonly folder: string
  readonly isDurable: boolean
}

/** Writes one segment, group by group. Keys that sealed what is on disk are gone. */
export class SegmentWriter {
  readonly openedAt: number = Date.now()
  readonly #options: SegmentOptions
  /** Without the step's key, from which the keys of all groups can be made. */
  readonly #place: Pick<Step, 'folder' | 'step'>
  readonly #file: FileHandle
  readonly #lock: FileLock
  readonly #lines = new LineBuffer()
  #position: Position
  #isBroken = false
  #isMoved = false

  private constructor(options: SegmentOptions, step: Step, file: FileHandle, lock: FileLock) {
    this.#options = options
    this.#place = { folder: step.folder, step: step.step }
    this.#file = file
    this.#lock = lock
    this.#position = { group: 0, key: derivedKey(step.key, 'segment'), bytes: 0, records: 0 }
  }

  /** Takes a step of the folder's key for it. `ended` is what this process ended before. */
  static async open(
    options: SegmentOptions,
    ended: readonly OwnSegment[],
    waiting: Pick<StepOptions, 'patienceMs' | 'signal'> = {},
  ): Promise<SegmentWriter> {
    const created: SegmentWriter[] = []
    const create = async (step: Step): Promise<void> => void created.push(await SegmentWriter.#create(options, step))
    try {
      await takeStep(options.folder, { ...waiting, ended, open: create })
    } catch (error) {
      await created[0]?.abandon()
      throw error
    }
    const [writer] = created
    if (writer === undefined) throw new SecretsError('INTERNAL', 'a step opened no segment')
    return writer
  }

  static async #create(options: SegmentOptions, step: Step): Promise<SegmentWriter> {
    const lock = FileLock.tryTake(lockOf(options.folder, step.step))
    if (lock === undefined) throw new SecretsError('AUDIT_FAILED', 'another process has the lock of a segment that does not exist yet')
    const file = await open(join(options.folder, segmentName(step.step)), 'ax', 0o600).catch((error: unknown) => {
      lock.release()
      throw error
    })
    const writer = new SegmentWriter(options, step, file, lock)
    const { folder, step: number } = step
    const header: SegmentHeader = { folder, host: hostname(), kind: 'segment', pid: process.pid, step: number, time: writer.openedAt, v: 1 }
    try {
      await Promise.all([writer.#commit(writer.#sealed(writer.#position, [canonicalText(header)], 0)), syncFolder(options.folder)])
      return writer
    } catch (error) {
      await writer.abandon()
      throw error
    }
  }

  get step(): number {
    return this.#place.step
  }

  get bytes(): number {
    return this.#position.bytes
  }

  /** It cannot be written any more: what was to be on disk may be, or not. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** Somebody moved the file, as tools that rotate logs do. It is as it should be, and should be ended. */
  get isMoved(): boolean {
    return this.#isMoved
  }

  /**
   * Resolves when all lines are on disk; rejects if that is not certain, and leaves the file as it was if it can. `meanwhile` is called when the disk
   * has begun.
   */
  async append(lines: readonly string[], meanwhile: () => void): Promise<void> {
    const position = this.#sealedGroups(lines)
    await this.#write()
    const onDisk = Promise.all([this.#sync(), this.#assertStillThere(position.bytes)])
    meanwhile()
    try {
      await onDisk
    } catch (error) {
      // What is in the file now, nobody can say: the system may have dropped it. A group that goes on from here might be a second one of its number.
      this.#isBroken = true
      throw error
    }
    this.#position = position
  }

  /** The state of this segment, signed by a key that only goes forward. `indexHead` is the last step that is known. */
  checkpoint(indexHead: number): string {
    const { group, key, bytes, records } = this.#position
    const { folder, step } = this.#place
    const checkpoint = { bytes, folder, group: group - 1, index: indexHead, kind: 'checkpoint', records, step, time: Date.now(), v: 1 }
    return canonicalLine({ ...checkpoint, mac: macOf(key, 'checkpoint', canonicalLine(checkpoint)).toString('base64url') }).trimEnd()
  }

  /** Seals the end, and has all on disk even where `durable` is false: the index will say for ever how long it is. Nothing can be written after. */
  async end(): Promise<OwnSegment> {
    await this.#commit(this.#sealed(this.#position, [], 0, true), true)
    await this.abandon()
    const { group, bytes, records } = this.#position
    const { folder, step } = this.#place
    return { folder, segment: { step, bytes, group: group - 1, records, torn: 0, found: 'ended' } }
  }

  /** Leaves the segment to whoever opens the next one, who records how it was found. */
  async abandon(): Promise<void> {
    this.#isBroken = true
    await this.#file.close().catch(() => {})
    this.#lock.release()
  }

  /** Adds the lines, in groups, to what is written next: all of them, or none. Returns where the segment then stands. */
  #sealedGroups(lines: readonly string[]): Position {
    let position = this.#position
    try {
      for (let start = 0; start < lines.length; start += maxGroupRecords) {
        const group = lines.slice(start, start + maxGroupRecords)
        position = this.#sealed(position, group, group.length)
      }
      return position
    } catch (error) {
      this.#lines.clear() // there was no memory for the others, and the next batch must not bring along these
      throw error
    }
  }

  /** Adds a group and its seal to what is written next. Returns where the segment then stands. */
  #sealed({ group, key, bytes, records }: Position, lines: readonly string[], count: number, end = false): Position {
    const start = this.#lines.length
    for (const line of lines) this.#lines.add(line)
    const seal = { ...(end && { end: true }), group, kind: 'seal', records: count }
    const mac = macOf(key, 'seal', this.#lines.since(start), canonicalLine(seal)).toString('base64url')
    this.#lines.add(canonicalText({ ...(end && { end: true }), group, kind: 'seal', mac, records: count }))
    return { group: group + 1, key: derivedKey(key, 'next'), bytes: bytes + this.#lines.length - start, records: records + count }
  }

  async #commit(position: Position, isDurable = this.#options.isDurable): Promise<void> {
    await this.#write()
    await this.#sync(isDurable)
    this.#position = position
  }

  async #write(): Promise<void> {
    try {
      await writeAll(this.#file, this.#lines.since(0))
    } catch (error) {
      await this.#file.truncate(this.#position.bytes).catch(() => (this.#isBroken = true))
      throw error
    } finally {
      this.#lines.clear()
    }
  }

  async #sync(isDurable = this.#options.isDurable): Promise<void> {
    if (isDurable) await this.#file.datasync()
  }

  /** A file that was moved keeps what is in it, but is not written any further; one that was removed keeps nothing. */
  async #assertStillThere(bytes: number): Promise<void> {
    const path = join(this.#options.folder, segmentName(this.step))
    const [named, own] = await Promise.all([stat(path).catch(() => undefined), this.#file.stat()])
    this.#isMoved = named?.ino !== own.ino
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
