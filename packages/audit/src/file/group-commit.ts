import type { AuditRecord, CallContext } from '@finchat/secrets-core'
import { SecretsError } from '@finchat/secrets-core/provider'
import { folderError } from '../disk/folder-errors.ts'
import { canonicalText } from '../record/canonical.ts'
import { deadlineOf } from '../trail/deliver.ts'
import { SegmentRotation, type RotationOptions } from './segment-rotation.ts'

/** Large enough to amortise a commit, small enough that the next batch is made meanwhile. */
const usualLines = 512
/** About what a process makes. */
const linesPerMs = 256
/** Records wait here beyond their deadline: a disk that hangs must not fill the memory. */
const mostCharacters = 64 * 1024 * 1024

/** Records that share one commit. */
export class Batch {
  readonly lines: string[] = []
  /** The earliest deadline of a record in it, by `performance.now()`. */
  deadlineAt: number = Infinity
  characters = 0
  readonly #ended: PromiseWithResolvers<void> = Promise.withResolvers()
  #error: SecretsError | undefined

  get ended(): Promise<void> {
    return this.#ended.promise
  }

  add(line: string, deadlineAt: number): void {
    this.lines.push(line)
    this.deadlineAt = Math.min(this.deadlineAt, deadlineAt)
    this.characters += line.length
  }

  failed(error: SecretsError): void {
    this.#error = error
  }

  /** Idempotent. */
  settle(): void {
    if (this.#error === undefined) this.#ended.resolve()
    else this.#ended.reject(this.#error)
  }
}

/** Batches of records in order of arrival: one is written while the next one gathers. */
export class Batches {
  readonly #waiting: Batch[] = []
  #characters = 0
  #mostLines = usualLines

  /** Resolves when the record is on disk. Rejects if it is not, or if too much waits already. */
  add(line: string, deadlineAt: number = Infinity): Promise<void> {
    if (this.#characters + line.length > mostCharacters) return Promise.reject(tooMuch())
    const batch = this.#gathering()
    batch.add(line, deadlineAt)
    this.#characters += line.length
    return batch.ended
  }

  next(): Batch | undefined {
    const batch = this.#waiting.shift()
    if (batch !== undefined) this.#characters -= batch.characters
    return batch
  }

  /** The slower the disk, the larger the batches. */
  lastTook(milliseconds: number): void {
    this.#mostLines = Math.max(usualLines, Math.round(linesPerMs * milliseconds))
  }

  #gathering(): Batch {
    const last = this.#waiting.at(-1)
    if (last !== undefined && last.lines.length < this.#mostLines) return last
    const next = new Batch()
    this.#waiting.push(next)
    return next
  }
}

function tooMuch(): SecretsError {
  return new SecretsError('AUDIT_FAILED', 'too many records wait for the disk of the audit trail', { remedy: 'look at the disk' })
}

/** Writes the records of a `jsonLinesFile` to the open segment, batch by batch. */
export class GroupCommit {
  readonly #folder: string
  readonly #segments: SegmentRotation
  readonly #batches = new Batches()
  #writing: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(options: RotationOptions) {
    this.#folder = options.folder
    this.#segments = new SegmentRotation(options)
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

  /** The callers of one batch resume while the next one goes to disk. */
  async #writeBatches(): Promise<void> {
    await Promise.resolve() // records written in this turn join the batch
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
