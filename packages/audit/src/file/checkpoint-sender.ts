import type { AuditSink } from '@finchat/secrets-core'
import { SecretsError } from '@finchat/secrets-core/provider'
import type { Epoch } from './next-epoch.ts'
import type { Signer } from '../keys/signature.ts'
import { RecordMaker } from '../record/record-maker.ts'
import type { SegmentWriter } from './segment-writer.ts'
import { SinkOutage } from '../trail/sink-outage.ts'

export interface CheckpointOptions {
  /** Where the checkpoints of a folder go, by its name; empty for the first of a trail. */
  readonly to: (name: string) => AuditSink
  readonly everyMs: number
  readonly sign: Signer | undefined
}

interface Place {
  readonly sink: AuditSink
  readonly outage: SinkOutage
}

/** Bounds the wait at closing. */
const closingPatienceMs = 2_000

/**
 * Sends the open segment's state to a place that this host cannot rewrite. It does so when the
 * segment is opened, when it has ended, and at intervals if it changed or the place refused: records
 * behind the last checkpoint are at risk however long no other one follows.
 */
export class CheckpointSender {
  readonly #to: CheckpointOptions['to']
  readonly #everyMs: number
  /** By the name of the folder. */
  readonly #places = new Map<string, Place>()
  readonly #maker = new RecordMaker({ service: undefined, hashName: undefined })
  readonly #sending = new Set<Promise<void>>()
  readonly #sign: Signer | undefined
  #indexHead: Epoch | undefined
  #last: SegmentWriter | undefined
  /** The last segment in a folder that was left: its end is yet to be recorded there. */
  #former: SegmentWriter | undefined
  #timer: NodeJS.Timeout | undefined

  constructor({ to, everyMs, sign }: CheckpointOptions) {
    this.#sign = sign
    this.#to = to
    this.#everyMs = everyMs
    this.#placeOf({ name: '' }) // closed with this one, even if nothing was sent there
  }

  opened(writer: SegmentWriter): void {
    this.#send(writer)
  }

  changed(writer: SegmentWriter): void {
    this.#timer ??= setTimeout(() => this.#send(writer), this.#everyMs).unref()
  }

  ended(writer: SegmentWriter): void {
    this.#send(writer)
  }

  /** The index grew without opening a segment. */
  stepped(step: Epoch): void {
    if (step.folder === this.#former?.place.folder) return this.#leave(this.#former, step)
    if (step.folder !== (this.#last?.place ?? step).folder) return
    this.#indexHead = step
    if (this.#last !== undefined) this.#send(this.#last)
  }

  /** The last segment's key signs until there is another one. */
  left(writer: SegmentWriter): void {
    if (writer !== this.#last && writer !== this.#former) writer.wipe()
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#last?.wipe()
    this.#former?.wipe()
    this.#last = undefined
    await patiently(async () => void (await Promise.all(this.#sending)))
    const sinks = new Set([...this.#places.values()].map(({ sink }) => sink))
    await patiently(async (signal) => void (await Promise.all([...sinks].map(async (sink) => sink.close?.({ signal })))))
  }

  #send(writer: SegmentWriter): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#last !== writer) this.#replace(this.#last, writer)
    this.#last = writer
    const { folder, step } = writer.place
    if (folder !== this.#indexHead?.folder || step > this.#indexHead.step) this.#indexHead = writer.place
    this.#sendAt(this.#indexHead, writer)
  }

  #replace(last: SegmentWriter | undefined, writer: SegmentWriter): void {
    if (last?.place.folder === writer.place.folder) return last.wipe()
    this.#former?.wipe()
    this.#former = last
  }

  #leave(former: SegmentWriter, step: Epoch): void {
    this.#sendAt(step, former)
    former.wipe()
    this.#former = undefined
  }

  #sendAt(head: Epoch, writer: SegmentWriter): void {
    const checkpoint = writer.checkpoint(head, this.#sign)
    if (checkpoint === undefined) return
    const sending: Promise<void> = this.#deliver(checkpoint, this.#placeOf(writer)).then((isAcknowledged) => {
      this.#sending.delete(sending)
      if (!isAcknowledged && writer === this.#last) this.changed(writer)
    })
    this.#sending.add(sending)
  }

  #placeOf({ name }: Pick<SegmentWriter, 'name'>): Place {
    const known = this.#places.get(name)
    if (known !== undefined) return known
    const sink = this.#to(name)
    const place = { sink, outage: new SinkOutage(sink.name) }
    this.#places.set(name, place)
    return place
  }

  /** Returns whether it was acknowledged. */
  async #deliver(checkpoint: string, { sink, outage }: Place): Promise<boolean> {
    try {
      await sink.write(this.#maker.checkpoint(checkpoint), { signal: AbortSignal.timeout(this.#everyMs + closingPatienceMs) })
      outage.acknowledged()
      return true
    } catch (error) {
      const problem = SecretsError.isInstance(error) ? `a checkpoint is missing: ${error.message}` : 'a checkpoint is missing'
      outage.refused(problem)
      return false
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
