import type { SecretsError } from '@finchat/secrets-core'

/** Enough that what a commit costs hardly counts, and few enough that the next ones are made while the disk works. */
const usualLines = 512
/** About what a process makes of them. */
const linesPerMs = 256

/** Records that go to disk together. */
export class Batch {
  readonly lines: string[] = []
  readonly #ended: PromiseWithResolvers<void> = Promise.withResolvers()
  #error: SecretsError | undefined

  get ended(): Promise<void> {
    return this.#ended.promise
  }

  failed(error: SecretsError): void {
    this.#error = error
  }

  /** Tells all who wait how it ended. Idempotent. */
  settle(): void {
    if (this.#error === undefined) this.#ended.resolve()
    else this.#ended.reject(this.#error)
  }
}

/** Records on their way to the disk, in the order in which they came: split, so that one batch can be written while the next one gathers. */
export class Batches {
  readonly #waiting: Batch[] = []
  #mostLines = usualLines

  /** Resolves when the record is on disk. */
  add(line: string): Promise<void> {
    const batch = this.#gathering()
    batch.lines.push(line)
    return batch.ended
  }

  next(): Batch | undefined {
    return this.#waiting.shift()
  }

  /** The slower the disk is, the more go together: as many as come in the meantime. */
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
