import { AsyncLocalStorage } from 'node:async_hooks'
import type { AuditRecord, AuditSink, CallContext, PartHealth, TrailPartHealth } from '@finchat/secrets-core'
import { bounded, pause, SecretsError } from '@finchat/secrets-core/provider'
import type { Gap, RecordMaker } from '../record/record-maker.ts'
import { SinkOutage } from './sink-outage.ts'
import type { TrailSink } from './trail-sink.ts'

/** A sink that hangs must not fill the memory. */
const mostWaiting = 16_384

/**
 * Closing may take longer than a record: our file waits for its lock, then for its checkpoints. The
 * manager gives a trail 5 s.
 */
const leastCloseMs = 4_500
/** Of that time, so much is left for a sink that hangs at its last records. */
const lastCloseMs = 1_000

/** How long a sink may take for one record, milliseconds. */
export interface SinkDeadlines {
  /** Until it has answered once: many processes may open what they write to at the same time. */
  readonly firstMs: number
  readonly usualMs: number
}

/** Called once for each record: without an error if the sink acknowledged it. */
export type Answered = (error?: SecretsError) => void

/** Delivers records to one sink. What it missed goes to it as a gap, before the next record. */
export class SinkDelivery {
  readonly isRequired: boolean
  readonly #sink: AuditSink
  readonly #maker: RecordMaker
  readonly #deadlines: SinkDeadlines
  readonly #outage: SinkOutage
  readonly #calls = new Set<SinkCall>()
  /**
   * One for all calls, due at the first deadline: a timer for each costs as much as the delivery.
   */
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity
  /** Not by a deadline. */
  hasAnswered = false
  #refusals = 0
  #gap: Gap | undefined
  #drained: (() => void) | undefined
  #isClosed = false

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

  /** The sink, and what it depends on. */
  health(): [name: string, health: TrailPartHealth][] {
    const parts = Object.entries(this.#sink.health?.() ?? {}).map(([part, health]): [string, PartHealth] => [
      `${this.name} ${part}`,
      health,
    ])
    const counts = { isRequired: this.isRequired, isFailing: this.#outage.isOn, refused: this.#refusals }
    return [[this.name, { ...this.#outage.health, ...counts }], ...parts]
  }

  get #deadlineMs(): number {
    return this.hasAnswered ? this.#deadlines.usualMs : this.#deadlines.firstMs
  }

  deliver(record: AuditRecord, answered: Answered): void {
    if (this.#calls.size >= mostWaiting) return answered(this.#refused(record.seq, { problem: 'too many records wait for it' }))
    this.#write(this.#takeGap(), record, answered)
  }

  /**
   * Sends the gap, then closes. Rejects if that takes too long, which also aborts the signal that
   * the sink got.
   */
  async close({ signal: given }: CallContext): Promise<void> {
    const allowedMs = Math.max(leastCloseMs, this.#deadlineMs)
    const endsAt = performance.now() + allowedMs
    await pause(allowedMs - lastCloseMs, undefined, this.#drain())
    this.#isClosed = true
    const close = async (signal: AbortSignal): Promise<void> => this.#sink.close?.({ signal: AbortSignal.any([given, signal]) })
    await bounded(close, { deadlineMs: Math.max(lastCloseMs, endsAt - performance.now()), closing: neverClosed })
  }

  /** Resolves when no call is under way and the sink was sent its gap, unless that is too late. */
  async #drain(): Promise<void> {
    if (this.#calls.size > 0) await new Promise<void>((resolve) => (this.#drained = resolve))
    const gap = this.#isClosed ? undefined : this.#takeGap()
    if (gap !== undefined) await new Promise<void>((resolve) => this.#write(gap, undefined, () => resolve()))
  }

  ended(call: SinkCall, refusal: Refusal | undefined): void {
    this.#calls.delete(call)
    if (this.#calls.size === 0) this.#timer?.unref()
    if (refusal === undefined) this.#outage.acknowledged()
    else if (call.gap !== undefined) this.#missed(call.gap)
    call.answered(refusal && this.#refused(call.record?.seq, refusal))
    if (this.#calls.size === 0) this.#drained?.()
  }

  #write(gap: Gap | undefined, record: AuditRecord | undefined, answered: Answered): void {
    const call = new SinkCall(this, { gap, record, answered, deadlineMs: this.#deadlineMs })
    this.#calls.add(call)
    this.#watch(call)
    call.write(this.#sink, gap && this.#maker.gap(gap))
  }

  /** The timer keeps the process alive while a call is under way. */
  #watch({ deadlineAt }: SinkCall): void {
    if (deadlineAt >= this.#timerAt) return void this.#timer?.ref()
    clearTimeout(this.#timer)
    this.#timerAt = deadlineAt
    this.#timer = setTimeout(() => this.#expire(), Math.max(1, deadlineAt - performance.now()))
  }

  #expire(): void {
    this.#timerAt = Infinity
    const now = performance.now()
    for (const call of this.#calls) if (call.deadlineAt <= now) call.expire()
    for (const call of this.#calls) this.#watch(call)
  }

  #refused(seq: number | undefined, { problem, remedy, isMisuse = false }: Refusal): SecretsError {
    if (seq !== undefined) {
      this.#refusals += 1
      this.#missed({ from: seq, to: seq, missed: 1 })
    }
    this.#outage.refused(problem, remedy)
    if (isMisuse) return misuse(this.name)
    return new SecretsError('AUDIT_FAILED', `the audit sink '${this.name}' did not acknowledge: ${problem}`, {
      remedy: remedy ?? 'repair the sink',
    })
  }

  #missed({ from, to, missed }: Gap): void {
    const { from: first = from, to: last = to, missed: before = 0 } = this.#gap ?? {}
    this.#gap = { from: Math.min(first, from), to: Math.max(last, to), missed: before + missed }
  }

  #takeGap(): Gap | undefined {
    const gap = this.#gap
    this.#gap = undefined
    return gap
  }
}

/** A trail that is closed still closes its sinks. */
const neverClosed = new AbortController().signal

/** Why a sink did not acknowledge. */
interface Refusal {
  readonly problem: string
  readonly remedy?: string | undefined
  /** It used the manager that it audits. */
  readonly isMisuse?: boolean
}

/**
 * The call of a sink that the current code runs in: auditing a sink's own reads would never end.
 */
const calls = new AsyncLocalStorage<SinkCall>()

/** The sink that calls the trail from within its own write; that write fails as a misuse. */
export function reentrantSink(deliveries: readonly SinkDelivery[]): string | undefined {
  for (let call = calls.getStore(); call !== undefined; call = call.outer) {
    if (!deliveries.includes(call.delivery)) continue
    call.isMisuse = true
    return call.delivery.name
  }
  return undefined
}

/** The context of our own sinks: they can name a reason before the trail gives up. */
interface TimedContext extends CallContext {
  /** When the trail gives up, by `performance.now()`. */
  readonly deadlineAt: number
}

/** `Infinity` without a trail. */
export function deadlineOf(context: CallContext | undefined): number {
  return context !== undefined && 'deadlineAt' in context && typeof context.deadlineAt === 'number' ? context.deadlineAt : Infinity
}

interface Delivered {
  /** Goes before the record. */
  readonly gap: Gap | undefined
  readonly record: AuditRecord | undefined
  readonly answered: Answered
  readonly deadlineMs: number
}

/** One call of a sink, which ends once: by its answer or at the deadline. */
class SinkCall {
  readonly delivery: SinkDelivery
  readonly outer: SinkCall | undefined = calls.getStore()
  readonly gap: Gap | undefined
  readonly record: AuditRecord | undefined
  readonly answered: Answered
  readonly deadlineAt: number
  isMisuse = false
  #isOver = false
  readonly #controller = new AbortController()

  constructor(delivery: SinkDelivery, { gap, record, answered, deadlineMs }: Delivered) {
    this.delivery = delivery
    this.gap = gap
    this.record = record
    this.answered = answered
    this.deadlineAt = performance.now() + deadlineMs
  }

  write(sink: AuditSink, gap: AuditRecord | undefined): void {
    calls
      .run(this, () => this.#answer(sink, gap))
      .then(
        () => this.#settled(),
        (error: unknown) => this.#settled(refusalOf(error)),
      )
  }

  expire(): void {
    this.#end({ problem: 'it did not answer in time' })
    this.#controller.abort()
  }

  #answer(sink: AuditSink, gap: AuditRecord | undefined): Promise<unknown> {
    const context: TimedContext = { deadlineAt: this.deadlineAt, signal: this.#controller.signal }
    const first = gap && invoke(sink, gap, context)
    const second = this.record && invoke(sink, this.record, context)
    return first !== undefined && second !== undefined ? Promise.all([first, second]) : (first ?? second ?? Promise.resolve())
  }

  /** A refusal behind the deadline may be due to the abort. */
  #settled(refusal?: Refusal): void {
    if (refusal === undefined || !this.#isOver) this.delivery.hasAnswered = true
    this.#end(refusal)
  }

  #end(refusal?: Refusal): void {
    if (this.#isOver) return
    this.#isOver = true
    this.delivery.ended(this, this.isMisuse ? { problem: 'it uses the secrets manager that it audits', isMisuse: true } : refusal)
  }
}

/** A sink that throws, or returns no promise, is treated as one that rejects or resolves. */
function invoke(sink: AuditSink, record: AuditRecord, context: CallContext): Promise<void> {
  try {
    return Promise.resolve(sink.write(record, context))
  } catch (error) {
    return Promise.reject(error)
  }
}

/** Quotes only our own errors: others may hold a value. */
function refusalOf(error: unknown): Refusal {
  if (!SecretsError.isInstance(error)) return { problem: 'it failed with an error of its own' }
  return { problem: error.problem, remedy: error.remedy }
}

export function misuse(sink: string): SecretsError {
  return new SecretsError('CONFIGURATION', `the audit sink '${sink}' uses the secrets manager that it audits`, {
    remedy: 'give the sink what it needs before, or a manager of its own',
  })
}
