import { AsyncLocalStorage } from 'node:async_hooks'
import { type AuditRecord, type AuditSink, type CallContext, SecretsError } from '@finchat/secrets-core'
import type { Gap, RecordMaker } from '../record/record-maker.ts'
import type { Deadlines, Expiring } from './deadlines.ts'
import type { TrailSink } from './trail-sink.ts'

/** More than this is not kept waiting for one sink: a sink that hangs must not fill the memory. */
const mostWaiting = 16_384

export interface SinkDeadlines {
  /**
   * Until the sink has answered once: it may have to open what it writes to, as many others do at
   * the same time.
   */
  readonly first: Deadlines
  readonly usual: Deadlines
}

/** Hands records to one sink: each under the deadline, and what it missed as a gap, before anything else, once it is back. */
export class SinkDelivery {
  readonly isRequired: boolean
  readonly #sink: AuditSink
  readonly #maker: RecordMaker
  readonly #deadlines: SinkDeadlines
  readonly #outage: SinkOutage
  #hasAnswered = false
  #waiting = 0
  #gap: Gap | undefined
  #drained: (() => void) | undefined

  constructor({ sink, required }: TrailSink, maker: RecordMaker, deadlines: SinkDeadlines) {
    this.isRequired = required
    this.#sink = sink
    this.#maker = maker
    this.#deadlines = deadlines
    this.#outage = new SinkOutage(sink.name)
  }

  get name(): string {
    return this.#sink.name
  }

  deliver(record: AuditRecord, acknowledgement: Acknowledgement): void {
    if (this.#waiting >= mostWaiting) return this.#refused(record.seq, acknowledgement, { problem: 'too many records wait for it' })
    this.#waiting++
    const gap = this.#gap
    this.#gap = undefined
    const settle = (refusal?: Reason): void => {
      this.#hasAnswered = true
      this.#waiting--
      if (refusal !== undefined && gap !== undefined) this.#missed(gap)
      if (refusal === undefined) this.#acknowledged(acknowledgement)
      else this.#refused(record.seq, acknowledgement, refusal)
      if (this.#waiting === 0) this.#drained?.()
    }
    const writing = new Writing(this.#sink, this, settle, this.#hasAnswered ? this.#deadlines.usual : this.#deadlines.first)
    writing.begin(gap === undefined ? [record] : [this.#maker.gap(gap), record])
  }

  /** Resolves when the sink has answered to all that it was given, or may no longer; then it is told what it missed, if it can hear that now. */
  async drain(): Promise<void> {
    if (this.#waiting > 0) await new Promise<void>((resolve) => (this.#drained = resolve))
    const gap = this.#gap
    if (gap === undefined) return
    this.#gap = undefined
    await new Promise<void>((resolve) => {
      new Writing(this.#sink, this, () => resolve(), this.#deadlines.usual).begin([this.#maker.gap(gap)])
    })
  }

  async close(context: CallContext): Promise<void> {
    await this.#sink.close?.(context)
  }

  #acknowledged(acknowledgement: Acknowledgement): void {
    this.#outage.acknowledged()
    acknowledgement.acknowledged(this.isRequired)
  }

  #refused(seq: number, acknowledgement: Acknowledgement, { problem, remedy, isMisuse = false }: Reason): void {
    this.#missed({ from: seq, to: seq, missed: 1 })
    this.#outage.refused(problem, remedy)
    acknowledgement.refused(this.isRequired, { sink: this.name, problem, remedy, isMisuse })
  }

  #missed({ from, to, missed }: Gap): void {
    const { from: first = from, to: last = to, missed: before = 0 } = this.#gap ?? {}
    this.#gap = { from: Math.min(first, from), to: Math.max(last, to), missed: before + missed }
  }
}

type Reason = Omit<Refusal, 'sink' | 'isMisuse'> & { readonly isMisuse?: boolean | undefined }

/** Set while a sink writes, in all that it calls: whoever audits the audit would never end. */
const writings = new AsyncLocalStorage<Writing>()

/** The sink that is writing in this context on behalf of one of these deliveries, which now knows that it was used wrongly. */
export function reentrantSink(deliveries: readonly SinkDelivery[]): string | undefined {
  for (let writing = writings.getStore(); writing !== undefined; writing = writing.outer) {
    if (!deliveries.includes(writing.delivery)) continue
    writing.isMisuse = true
    return writing.delivery.name
  }
  return undefined
}

/** One call of a sink, which settles once: by its answer or by the deadline. */
class Writing implements Expiring, TimedContext {
  readonly delivery: SinkDelivery
  readonly outer: Writing | undefined = writings.getStore()
  isMisuse = false
  readonly #sink: AuditSink
  #settle: ((refusal?: Reason) => void) | undefined
  readonly #forget: () => void
  readonly #deadlines: Deadlines
  #controller: AbortController | undefined

  constructor(sink: AuditSink, delivery: SinkDelivery, settle: (refusal?: Reason) => void, deadlines: Deadlines) {
    this.#sink = sink
    this.delivery = delivery
    this.#settle = settle
    this.#deadlines = deadlines
    this.#forget = deadlines.add(this)
  }

  get deadlineAt(): number {
    return performance.now() + this.#deadlines.milliseconds
  }

  /** Made only for a sink that looks at it. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#settle === undefined) this.#controller.abort()
    return this.#controller.signal
  }

  begin(records: readonly AuditRecord[]): void {
    const answers = writings.run(this, () => records.map((record) => invoke(this.#sink, record, this)))
    const [only] = answers
    const answer: Promise<unknown> = answers.length === 1 && only !== undefined ? only : Promise.all(answers)
    answer.then(
      () => this.#end(),
      (error: unknown) => this.#end(reasonOf(error)),
    )
  }

  expire(): void {
    this.#end({ problem: 'it did not answer in time' })
    this.#controller?.abort()
  }

  #end(refusal?: Reason): void {
    const settle = this.#settle
    if (settle === undefined) return
    this.#settle = undefined
    this.#forget()
    settle(this.isMisuse ? { problem: 'it uses the secrets manager that it audits', isMisuse: true } : refusal)
  }
}

/** A sink that throws at once, or answers with what is no promise, is as one that rejects or resolves. */
function invoke(sink: AuditSink, record: AuditRecord, context: CallContext): Promise<void> {
  try {
    return Promise.resolve(sink.write(record, context))
  } catch (error) {
    return Promise.reject(error)
  }
}

/** Only our own errors are quoted: what others say may hold anything. */
function reasonOf(error: unknown): Reason {
  if (!SecretsError.isInstance(error)) return { problem: 'it failed with an error of its own' }
  return { problem: error.problem, remedy: error.remedy }
}

/**
 * What a trail tells its sinks beside the contract: a sink of ours says why it cannot answer before
 * it is cut off.
 */
interface TimedContext extends CallContext {
  /** When the trail stops waiting, by `performance.now()`; to be read when the sink is called. */
  readonly deadlineAt: number
}

/** Who calls a sink without a trail waits for ever. */
export function deadlineOf(context: CallContext | undefined): number {
  return context !== undefined && 'deadlineAt' in context && typeof context.deadlineAt === 'number' ? context.deadlineAt : Infinity
}

/** A sink that answers for some records and fails for others is in one outage, not in as many as there are records. */
const quietMs = 60_000

/** Tells the operator once for each outage of a sink, which for a best-effort sink nobody would hear of otherwise. */
export class SinkOutage {
  readonly #sink: string
  #warnedAt = -Infinity
  #isOn = false

  constructor(sink: string) {
    this.#sink = sink
  }

  acknowledged(): void {
    this.#isOn = false
  }

  refused(problem: string, remedy?: string): void {
    const isNew = !this.#isOn && performance.now() - this.#warnedAt >= quietMs
    this.#isOn = true
    if (!isNew) return
    this.#warnedAt = performance.now()
    process.emitWarning(`Audit sink '${this.#sink}' does not acknowledge: ${problem}${remedy === undefined ? '' : ` (${remedy})`}`, {
      type: 'SecretsWarning',
      code: 'FINCHAT_SECRETS_AUDIT',
    })
  }
}

/** Why a sink did not acknowledge, in our own terms. */
export interface Refusal {
  readonly sink: string
  readonly problem: string
  readonly remedy?: string | undefined
  /** It used the manager that it audits: nobody may overlook that. */
  readonly isMisuse: boolean
}

/** One record's way through the sinks: acknowledged when all required ones did, or, if none is required, when any did. */
export class Acknowledgement {
  readonly promise: Promise<void>
  readonly #resolve: () => void
  readonly #reject: (error: SecretsError) => void
  #required: number
  #others: number
  readonly #needsRequired: boolean

  constructor(required: number, others: number) {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.promise = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#required = required
    this.#others = others
    this.#needsRequired = required > 0
  }

  acknowledged(isRequired: boolean): void {
    if (isRequired) this.#required--
    if (this.#needsRequired ? this.#required === 0 : true) this.#resolve()
  }

  refused(isRequired: boolean, refusal: Refusal): void {
    if (!isRequired) this.#others--
    if (refusal.isMisuse) this.#reject(misuse(refusal))
    else if (isRequired || (!this.#needsRequired && this.#others === 0)) this.#reject(unacknowledged(refusal))
  }
}

function unacknowledged({ sink, problem, remedy }: Refusal): SecretsError {
  return new SecretsError('AUDIT_FAILED', `the audit sink '${sink}' did not acknowledge: ${problem}`, { remedy: remedy ?? 'mend the sink' })
}

export function misuse({ sink }: Pick<Refusal, 'sink'>): SecretsError {
  return new SecretsError('CONFIGURATION', `the audit sink '${sink}' uses the secrets manager that it audits`, {
    remedy: 'give the sink what it needs before, or a manager of its own',
  })
}
