import type { AuditSink } from '@finchat/secrets-core'
import { SecretsError } from '@finchat/secrets-core/provider'
import type { Epoch } from './next-epoch.ts'
import type { Signer } from '../keys/signature.ts'
import { RecordMaker } from '../record/record-maker.ts'
import type { SegmentWriter } from './segment-writer.ts'
import { SinkOutage } from '../trail/deliver.ts'

export interface CheckpointOptions {
  readonly to: AuditSink
  readonly everyMs: number
  readonly sign: Signer | undefined
}

type IndexHead = Pick<Epoch, 'step' | 'line'>

/** Bounds the wait at closing. */
const closingPatienceMs = 2_000

/**
 * Sends the open segment's state to a place that this host cannot rewrite. It does so when the
 * segment is opened, when it has ended, and at intervals if it changed.
 */
export class CheckpointSender {
  readonly #to: AuditSink
  readonly #everyMs: number
  readonly #outage: SinkOutage
  readonly #maker = new RecordMaker({ service: undefined, hashName: undefined })
  readonly #sending = new Set<Promise<void>>()
  readonly #sign: Signer | undefined
  #indexHead: IndexHead | undefined
  #last: SegmentWriter | undefined
  #timer: NodeJS.Timeout | undefined

  constructor({ to, everyMs, sign }: CheckpointOptions) {
    this.#sign = sign
    this.#to = to
    this.#everyMs = everyMs
    this.#outage = new SinkOutage(to.name)
  }

  opened(writer: SegmentWriter): void {
    if (writer.step > (this.#indexHead?.step ?? -1)) this.#indexHead = writer.place
    this.#send(writer)
  }

  changed(writer: SegmentWriter): void {
    this.#timer ??= setTimeout(() => this.#send(writer), this.#everyMs).unref()
  }

  ended(writer: SegmentWriter): void {
    this.#send(writer)
  }

  /** The index grew without opening a segment. */
  stepped(step: IndexHead): void {
    this.#indexHead = step
    if (this.#last !== undefined) this.#send(this.#last)
  }

  /** The last segment's key signs until there is another one. */
  left(writer: SegmentWriter): void {
    if (writer !== this.#last) writer.wipe()
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#last?.wipe()
    await patiently(async () => void (await Promise.all(this.#sending)))
    await patiently(async (signal) => this.#to.close?.({ signal }))
  }

  #send(writer: SegmentWriter): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#last !== writer) this.#last?.wipe()
    this.#last = writer
    const checkpoint = this.#indexHead && writer.checkpoint(this.#indexHead, this.#sign)
    if (checkpoint === undefined) return
    const sending: Promise<void> = this.#deliver(checkpoint).finally(() => this.#sending.delete(sending))
    this.#sending.add(sending)
  }

  async #deliver(checkpoint: string): Promise<void> {
    try {
      await this.#to.write(this.#maker.checkpoint(checkpoint), { signal: AbortSignal.timeout(this.#everyMs + closingPatienceMs) })
      this.#outage.acknowledged()
    } catch (error) {
      const problem = SecretsError.isInstance(error) ? `a checkpoint is missing: ${error.message}` : 'a checkpoint is missing'
      this.#outage.refused(problem)
    }
  }
}

/** The timer keeps the process alive, which would otherwise end in the middle of closing. */
async function patiently(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController()
  const { promise: over, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, closingPatienceMs)
  try {
    await Promise.race([run(controller.signal), over])
  } finally {
    clearTimeout(timer)
    controller.abort()
  }
}
