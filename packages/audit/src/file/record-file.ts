import type { AuditRecord, CallContext } from '@finchat/secrets-core'
import { SecretsError } from '@finchat/secrets-core'
import { type Batch, Batches } from './group-commit.ts'
import { canonicalText } from '../record/canonical.ts'
import type { CheckpointOptions } from './checkpoint-sender.ts'
import { folderError } from '../format/folder-errors.ts'
import { OpenSegments } from './segment-rotation.ts'
import { deadlineOf } from '../trail/sink-deadline.ts'

export interface RecordFileOptions {
  readonly folder: string
  readonly isDurable: boolean
  readonly maxSegmentBytes: number
  readonly checkpoints: CheckpointOptions | undefined
}

/** What is behind a `jsonLinesFile`: hands records to the segment that is open, batch by batch. */
export class RecordFile {
  readonly #folder: string
  readonly #segments: OpenSegments
  readonly #batches = new Batches()
  #writing: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(options: RecordFileOptions) {
    this.#folder = options.folder
    this.#segments = new OpenSegments(options)
  }

  write(record: AuditRecord, context: CallContext | undefined): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(new SecretsError('ABORTED', 'the audit file is closed'))
    const ended = this.#batches.add(canonicalText(record), deadlineOf(context))
    this.#writing ??= this.#writeBatches()
    return ended
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /**
   * While one batch goes to disk, whoever waited for the one before goes on, and the next ones
   * gather.
   */
  async #writeBatches(): Promise<void> {
    await Promise.resolve() // whoever writes in this turn comes along
    let last: Batch | undefined
    for (let batch = this.#batches.next(); batch !== undefined; batch = this.#batches.next()) {
      const before = last
      await this.#writeBatch(batch, () => before?.settle())
      before?.settle()
      last = batch
    }
    this.#writing = undefined
    last?.settle()
  }

  async #writeBatch(batch: Batch, meanwhile: () => void): Promise<void> {
    const started = performance.now()
    try {
      const writer = await this.#segments.writer(batch.deadlineAt, meanwhile)
      await writer.append(batch.lines, meanwhile)
      this.#segments.changed(writer)
    } catch (error) {
      batch.failed(folderError(error, this.#folder))
    }
    this.#batches.lastTook(performance.now() - started)
  }

  async #close(): Promise<void> {
    await this.#writing
    try {
      await this.#segments.close()
    } catch (error) {
      throw folderError(error, this.#folder)
    }
  }
}
