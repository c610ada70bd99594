import type { Channel, TracingChannel } from 'node:diagnostics_channel'

import { aborted, type Bounds, boundedUnlessPrompt, closed, untilAborted } from '../guard/deadline.ts'
import type { CallOptions } from '../options/call-options.ts'
import type { AuditedOperation, AuditEvent, AuditTrail } from '../contract/audit.ts'
import type { SecretsErrorDetails } from '../contract/error-codes.ts'
import { own } from '../errors/own-properties.ts'
import { withContext, SecretsError } from '../errors/secrets-error.ts'
import { traced, type TraceMessage, type Tracing } from './trace-channels.ts'

type Known = 'provider' | 'version' | 'revision' | 'from' | 'stale' | 'degraded' | 'matched' | 'exclusive' | 'steps'
export type Metadata = Pick<TraceMessage, Known>

export interface Operation {
  readonly operation: AuditedOperation
  readonly name: string
  /** It changes a store, so its intent is recorded first. */
  readonly effect: boolean
  /** Admitted before `close()`. */
  readonly isAdmitted?: boolean
}

type EventOf = Pick<AuditEvent, 'operation' | 'name' | 'actor' | 'requestId'>

/** Refuses calls after `close()`, traces, and records the outcome before it leaves. */
export class Observer {
  readonly #trail: AuditTrail | undefined
  readonly #tracing: Tracing
  readonly #bounds: Bounds
  #running = 0
  readonly #held = new Set<Promise<unknown>>()
  #isOpen = true
  #idle: PromiseWithResolvers<void> | undefined

  constructor(trail: AuditTrail | undefined, tracing: Tracing, bounds: Bounds) {
    this.#trail = trail
    this.#tracing = tracing
    this.#bounds = bounds
  }

  get trail(): AuditTrail | undefined {
    return this.#trail
  }

  /** What its messages carry. */
  get manager(): symbol {
    return this.#tracing.manager
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** A read from memory has nothing to record. */
  get isUnwatched(): boolean {
    return this.#isOpen && this.#trail === undefined && !this.#tracing.get.hasSubscribers
  }

  /**
   * Runs `run`, which fills in the metadata. Resolves to its result once the outcome is
   * acknowledged.
   */
  observe<T>(operation: Operation, call: CallOptions, run: (metadata: Metadata) => Promise<T>): Promise<T> {
    if (!this.#isOpen && own(operation, 'isAdmitted') !== true) return Promise.reject(closed())
    if (call.signal?.aborted) return Promise.reject(aborted())
    const on = operation.effect ? this.#tracing.write : this.#tracing.get
    const isUnwatched = this.#trail === undefined && !on.hasSubscribers && !this.#tracing.operation.hasSubscribers
    return isUnwatched ? this.#unwatched(operation, call.signal, run) : this.#watched(on, operation, call, run)
  }

  async #watched<T>(
    on: TracingChannel<TraceMessage>,
    operation: Operation,
    call: CallOptions,
    run: (metadata: Metadata) => Promise<T>,
  ): Promise<T> {
    this.#running += 1
    const { manager, operation: ends } = this.#tracing
    const { operation: kind, name } = operation
    const { actor, requestId } = call
    const message: TraceMessage = { ...unknownYet, manager, operation: kind, name, actor, requestId }
    const begunAt = ends.hasSubscribers ? performance.now() : undefined
    try {
      const audited = (): Promise<T> => this.#audited(operation, call, message, run)
      return await (on.hasSubscribers ? traced(on, message, audited) : audited())
    } finally {
      if (begunAt !== undefined) publishEnd(ends, message, begunAt)
      this.#ended()
    }
  }

  /** An aborted read delivers nothing. */
  async #unwatched<T>({ name, effect }: Operation, signal: AbortSignal | undefined, run: (metadata: Metadata) => Promise<T>): Promise<T> {
    this.#running += 1
    try {
      const result = await run({ ...unknownYet })
      if (effect || !signal?.aborted) return result
    } catch (error) {
      const failure = asSecretsError(error, name)
      if (failure.effect !== undefined || !signal?.aborted) throw failure
    } finally {
      this.#ended()
    }
    throw aborted()
  }

  hold(running: Promise<unknown>): void {
    if (this.#held.has(running)) return
    this.#held.add(running)
    this.#running += 1
    const end = (): void => {
      this.#held.delete(running)
      this.#ended()
    }
    running.then(end, end)
  }

  #ended(): void {
    this.#running -= 1
    if (this.#running === 0) this.#idle?.resolve()
  }

  /** Resolves when running operations have ended. */
  async shut(): Promise<void> {
    this.#isOpen = false
    while (this.#running > 0) {
      this.#idle ??= Promise.withResolvers()
      await this.#idle.promise
      this.#idle = undefined
    }
  }

  async #audited<T>(
    { operation, name, effect }: Operation,
    call: CallOptions,
    message: TraceMessage,
    run: (metadata: Metadata) => Promise<T>,
  ): Promise<T> {
    if (effect) await this.#recordIntent({ operation, name, actor: call.actor, requestId: call.requestId }, call.signal)
    const startedAt = Date.now()
    let result: T | undefined
    let failure: SecretsError | undefined
    try {
      result = await run(message)
    } catch (error) {
      failure = asSecretsError(error, name)
      message.code = failure.code
    }
    const isDone = failure === undefined && (effect || isLeased(message))
    const had = isDone ? 'done' : failure?.effect
    const event = outcomeOf(message, startedAt, failure)
    // After an intent or an effect the outcome is recorded even if the caller aborts.
    const isOwed = effect || had !== undefined
    try {
      if (isOwed) await this.#record(event, had, ofItsOwn)
      else await untilAborted(this.#record(event, had, undefined), call.signal)
    } catch (error) {
      message.code = asSecretsError(error, name).code
      throw error
    }
    if (failure !== undefined) throw failure
    return result as T // set, since nothing failed
  }

  /**
   * An intent that failed may be on record all the same, so its outcome follows in the background.
   */
  async #recordIntent(event: EventOf, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#record({ ...event, phase: 'intent', time: Date.now() }, undefined, { signal, closing: this.#bounds.closing })
    } catch (error) {
      const { code } = asSecretsError(error, event.name)
      const outcome: AuditEvent = { ...event, phase: 'outcome', time: Date.now(), durationMs: 0, outcome: 'error', code }
      this.hold(this.#record(outcome, undefined, ofItsOwn).catch(() => {}))
      throw error
    }
  }

  async #record(event: AuditEvent, effect: SecretsErrorDetails['effect'], ends: Omit<Bounds, 'deadlineMs'> | undefined): Promise<void> {
    const trail = this.#trail
    if (trail === undefined) return
    try {
      await boundedUnlessPrompt((context) => trail.record(event, context), ends === undefined ? this.#bounds : { ...this.#bounds, ...ends })
    } catch (error) {
      if (ends?.signal?.aborted) throw aborted()
      throw auditFailed(event, effect, SecretsError.isInstance(error) ? error : undefined)
    }
  }
}

function publishEnd(ends: Channel, message: TraceMessage, begunAt: number): void {
  const { operation, from, stale, degraded, code } = message
  if (operation === 'get' && from === 'memory' && !stale && !degraded && code === undefined) return
  message.durationMs = performance.now() - begunAt
  ends.publish(message)
}

/** A trail's `CONFIGURATION` stays one: no retry fixes it. */
function auditFailed({ phase, name }: AuditEvent, effect: SecretsErrorDetails['effect'], why: SecretsError | undefined): SecretsError {
  const consequence = { done: 'though it was done', unknown: 'and it may have been done' }
  const nothing = phase === 'intent' ? 'so nothing was sent' : 'so nothing is handed out'
  const code = why?.code === 'CONFIGURATION' ? 'CONFIGURATION' : 'AUDIT_FAILED'
  const problem = `the ${phase} could not be recorded, ${effect === undefined ? nothing : consequence[effect]}`
  return new SecretsError(code, why?.problem === undefined ? problem : `${problem}: ${why.problem}`, {
    secret: name,
    effect,
    remedy: why?.remedy ?? 'mend the audit trail',
  })
}

/** Only the deadline ends it, neither the caller's abort nor `close()`. */
const ofItsOwn: Omit<Bounds, 'deadlineMs'> = { signal: undefined, closing: new AbortController().signal }

function asSecretsError(error: unknown, secret: string): SecretsError {
  if (SecretsError.isInstance(error)) return error.secret === undefined ? withContext(error, { secret }) : error
  return new SecretsError('INTERNAL', 'unexpected failure', { secret, remedy: 'please report it' })
}

/** Own members, so that a polluted prototype does not show through. */
const unknownYet = {
  provider: undefined,
  version: undefined,
  revision: undefined,
  from: undefined,
  stale: undefined,
  degraded: undefined,
  matched: undefined,
  exclusive: undefined,
  code: undefined,
  durationMs: undefined,
  steps: undefined,
}

/** A new lease exists even if the caller never gets it. */
function isLeased({ exclusive, from }: Metadata): boolean {
  return exclusive === true && from === 'store'
}

function outcomeOf(message: TraceMessage, startedAt: number, failure: SecretsError | undefined): AuditEvent {
  const { operation, name, actor, requestId, provider, version, revision, from, stale, degraded, matched } = message
  const time = Date.now()
  return {
    operation,
    name,
    actor,
    requestId,
    provider,
    version,
    revision,
    from,
    stale,
    degraded,
    matched,
    phase: 'outcome',
    time,
    durationMs: time - startedAt,
    outcome: failure === undefined ? 'ok' : 'error',
    code: failure?.code,
  }
}
