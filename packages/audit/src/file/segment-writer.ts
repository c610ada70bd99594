import { type FileHandle, open, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { SecretsError } from '@finchat/secrets-core/provider'
import { advanceEpoch, type Epoch, type OpenEpoch } from './next-epoch.ts'
import type { OwnSegment } from './unrecorded-ends.ts'
import { canonicalLine, canonicalText } from '../record/canonical.ts'
import { checkpointLine } from '../format/checkpoint-line.ts'
import type { Signer } from '../keys/signature.ts'
import { lockOf, segmentName } from '../format/end-of-segment.ts'
import { FileLock, type LockWait } from './file-lock.ts'
import type { PlaceInTrail } from './trail-folders.ts'
import type { ChainKey } from '../keys/key-chain.ts'
import { LineBuffer } from '../disk/line-buffer.ts'
import { noSeals, sealsWith } from '../record/digest.ts'
import { type SegmentHeader } from '../format/segment-format.ts'
import { maxGroupRecords } from '../format/segment-format.ts'
import { syncData } from '../disk/fsync.ts'

/** What is on disk, and the key of the next group. */
interface Position {
  readonly group: number
  /** Overwritten once the next position is on disk. */
  readonly key: ChainKey
  readonly bytes: number
  readonly records: number
  /** The hash over all seals. */
  readonly seals: Buffer
}

/** Without a place, the folder is the first of its trail. */
export interface SegmentOptions extends Partial<PlaceInTrail> {
  readonly folder: string
  readonly isDurable: boolean
}

interface Sealing {
  readonly count: number
  /** The first group of the same write. Default: this one. */
  readonly start?: number
  readonly end?: true
}

/** Writes one segment, group by group, and overwrites each key once its group is on disk. */
export class SegmentWriter {
  readonly openedAt: number = Date.now()
  readonly #options: SegmentOptions
  /** Without the epoch's key, from which all keys of the segment follow. */
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

  /** Begins an epoch for it. `ended` are segments that this process ended before. */
  static async open(options: SegmentOptions, ended: readonly OwnSegment[], waiting: Partial<LockWait> = {}): Promise<SegmentWriter> {
    const created: SegmentWriter[] = []
    const create = async (step: OpenEpoch): Promise<void> => void created.push(await SegmentWriter.#create(options, step))
    try {
      await advanceEpoch(options.folder, { ...waiting, ended, open: create, mostEpochs: options.mostEpochs })
    } catch (error) {
      await created[0]?.release()
      created[0]?.wipe()
      throw error
    }
    const [writer] = created
    if (writer === undefined) throw new SecretsError('INTERNAL', 'an epoch opened no segment')
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
      await Promise.all([writer.#commit(writer.#sealed(writer.#position, [canonicalText(header)], { count: 0 })), step.syncNames()])
      return writer
    } catch (error) {
      await writer.release()
      writer.wipe()
      throw error
    }
  }

  /** Its path. */
  get folder(): string {
    return this.#options.folder
  }

  /** The name of its folder within the first one of the trail; empty for that. */
  get name(): string {
    return this.#options.name ?? ''
  }

  get step(): number {
    return this.#place.step
  }

  /** The epoch at which it was opened. */
  get place(): Epoch {
    return this.#place
  }

  get bytes(): number {
    return this.#position.bytes
  }

  /** A write failed: its content is unknown. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /**
   * Takes only its end: the file was moved, as by log rotation, or a part of a write was undone.
   */
  get isOver(): boolean {
    return this.#isOver
  }

  /**
   * Resolves when all lines are on disk. Rejects if that is uncertain, and undoes the write if
   * possible. Another write may follow only if nothing of this one reached the file.
   * `meanwhile` is called when the disk has begun.
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
      // The system may have dropped dirty pages: a group that continues here might repeat a number.
      this.#isBroken = true
      position.key.wipe()
      throw error
    }
    this.#goOnTo(position)
  }

  /**
   * The segment's state, signed by a key that only goes forward. `undefined` once the key is gone.
   */
  checkpoint(head: Pick<Epoch, 'step' | 'line'>, sign?: Signer): string | undefined {
    if (this.#isWiped) return undefined
    const { group, key, bytes, records, seals } = this.#position
    const { folder, step } = this.#place
    const stands = { folder, step, group: group - 1, bytes, records, seals: seals.toString('base64url') }
    const state = { ...stands, index: head.step, head: head.line, time: Date.now(), trail: this.#options.trail }
    return checkpointLine(state, key, sign)
  }

  /**
   * Seals the end and syncs it even if `durable` is false: the index records its length for ever.
   */
  async end(): Promise<OwnSegment> {
    await this.#commit(this.#sealed(this.#position, [], { count: 0, end: true }), true)
    await this.release()
    const { group, bytes, records, seals } = this.#position
    const { folder, step } = this.#place
    const end = { step, bytes, group: group - 1, records, seals: seals.toString('base64url'), torn: 0 }
    return { path: this.folder, folder, segment: { ...end, found: 'ended' } }
  }

  /** The process that opens the next segment records this one's end. */
  async release(): Promise<void> {
    this.#isBroken = true
    await this.#file.close().catch(() => {})
    this.#lock.release()
  }

  /** Nothing more can be signed. */
  wipe(): void {
    this.#isWiped = true
    this.#position.key.wipe()
  }

  #goOnTo(position: Position): void {
    this.#position.key.wipe()
    this.#position = position
  }

  /** Adds all lines in groups, or none. */
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
   * A reader may have copied what was in the file for a moment: a second group under the same key
   * could replace this one unseen.
   */
  async #takeBack(): Promise<void> {
    const { bytes } = this.#position
    if ((await this.#file.stat()).size === bytes) return
    this.#isOver = true
    await this.#file.truncate(bytes)
  }

  async #sync(isDurable = this.#options.isDurable): Promise<void> {
    if (isDurable) await syncData(this.#file)
  }

  /** A moved file keeps its content and takes no more; a removed one lost it. */
  async #assertStillThere(bytes: number): Promise<void> {
    const path = join(this.#options.folder, segmentName(this.step))
    const [named, own] = await Promise.all([stat(path).catch(() => undefined), this.#file.stat()])
    this.#isOver ||= named?.ino !== own.ino
    if (own.nlink > 0 && own.size === bytes) return
    throw new SecretsError('AUDIT_FAILED', 'the segment was removed or truncated while it was written', {
      remedy: 'move segments, do not remove them',
    })
  }
}

/** A disk that is nearly full writes a part. */
async function writeAll(file: FileHandle, buffer: Buffer): Promise<void> {
  for (let written = 0; written < buffer.length;) written += (await file.write(buffer, written)).bytesWritten
}
