import type { TracingChannel } from 'node:diagnostics_channel'

import { aborted, bounded, type Bounds, closed, untilAborted } from './bounded.ts'
import type { CallOptions } from './call-options.ts'
import type { AuditEvent, AuditTrail, SecretsErrorDetails } from './contract.ts'
import { own } from './own-members.ts'
import { placed, SecretsError } from './secrets-error.ts'
import { traced, type TraceMessage, type Tracing } from './tracing.ts'

/** What becomes known of an operation while it runs, for the audit trail and tracing. */
export type Facts = Pick<TraceMessage, 'provider' | 'version' | 'revision' | 'from' | 'stale' | 'degraded' | 'matched' | 'exclusive'>

export interface Operation {
  readonly operation: string
  readonly name: string
  /** It changes a store: the intent is recorded before anything is sent. */
  readonly effect: boolean
  /** It was let in before, and has waited for somebody else's call since. */
  readonly isAdmitted?: boolean
}

type EventOf = Pick<AuditEvent, 'operation' | 'name' | 'actor' | 'requestId'>

/** What stands around every operation: the door that `close` shuts, tracing, and an audit record without which nothing leaves. */
export class Observer {
  readonly #trail: AuditTrail | undefined
  readonly #tracing: Tracing
  readonly #bounds: Bounds
  /** Operations that run, and calls of others that are waited for. */
  #running = 0
  readonly #held = new Set<Promise<unknown>>()
  #isOpen = true
  #idle: PromiseWithResolvers<void> | undefined

  constructor(trail: AuditTrail | undefined, tracing: Tracing, bounds: Bounds) {
    this.#trail = trail
    this.#tracing = tracing
    this.#bounds = bounds
  }

  /** Open, and nobody audits or traces: a read from memory has nothing to tell anyone. */
  get isUnwatched(): boolean {
    return this.#isOpen && this.#trail === undefined && !this.#tracing.get.hasSubscribers
  }

  /** Runs `run`, which notes what it learns in the facts. Returns its result when the outcome is acknowledged. */
  observe<T>(operation: Operation, call: CallOptions, run: (facts: Facts) => Promise<T>): Promise<T> {
    if (!this.#isOpen && own(operation, 'isAdmitted') !== true) return Promise.reject(closed())
    if (call.signal?.aborted) return Promise.reject(aborted())
    const on = operation.effect ? this.#tracing.write : this.#tracing.get
    const isUnwatched = this.#trail === undefined && !on.hasSubscribers
    return isUnwatched ? this.#unwatched(operation, call.signal, run) : this.#watched(on, operation, call, run)
  }

  async #watched<T>(
    on: TracingChannel<TraceMessage>,
    operation: Operation,
    call: CallOptions,
    run: (facts: Facts) => Promise<T>,
  ): Promise<T> {
    this.#running += 1
    try {
      const { operation: kind, name } = operation
      const message: TraceMessage = { ...unknownYet, operation: kind, name, actor: call.actor, requestId: call.requestId }
      return await traced(on, message, () => this.#audited(operation, call, message, run))
    } finally {
      this.#ended()
    }
  }

  /** Nobody audits or traces: what is learnt need not be told. A caller who gave up on a read gets nothing of it. */
  async #unwatched<T>({ name, effect }: Operation, signal: AbortSignal | undefined, run: (facts: Facts) => Promise<T>): Promise<T> {
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

  /** `shut` waits for it. */
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

  /** Refuses operations from now on; resolves when those that run have ended. */
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
    run: (facts: Facts) => Promise<T>,
  ): Promise<T> {
    const event: EventOf = { operation, name, actor: call.actor, requestId: call.requestId }
    if (effect) await this.#record({ ...event, phase: 'intent', time: Date.now() }, call.signal, undefined)
    const startedAt = Date.now()
    const outcome = (): AuditEvent => ({
      ...event,
      ...factsOf(message),
      phase: 'outcome',
      time: Date.now(),
      durationMs: Date.now() - startedAt,
    })
    let result: T
    try {
      result = await run(message)
    } catch (error) {
      const failure = asSecretsError(error, name)
      message.code = failure.code
      await this.#recordOutcome(message, { ...outcome(), outcome: 'error', code: failure.code }, call.signal, failure.effect)
      throw failure
    }
    await this.#recordOutcome(message, { ...outcome(), outcome: 'ok' }, call.signal, effect || isLeased(message) ? 'done' : undefined)
    return result
  }

  /** A caller who gives up on a read gets nothing, at once; what was written is recorded before the caller goes. */
  async #recordOutcome(
    message: TraceMessage,
    event: AuditEvent,
    signal: AbortSignal | undefined,
    effect: SecretsErrorDetails['effect'],
  ): Promise<void> {
    try {
      await untilAborted(this.#record(event, undefined, effect), effect === undefined ? signal : undefined)
    } catch (error) {
      message.code = asSecretsError(error, event.name).code
      throw error
    }
  }

  async #record(event: AuditEvent, signal: AbortSignal | undefined, effect: SecretsErrorDetails['effect']): Promise<void> {
    const trail = this.#trail
    if (trail === undefined) return
    try {
      // What has happened is recorded even if the manager is given up on meanwhile.
      const closing = effect === undefined ? this.#bounds.closing : never
      await bounded((bound) => trail.record(event, { signal: bound }), { ...this.#bounds, closing, signal })
    } catch (error) {
      if (signal?.aborted) throw aborted()
      throw auditFailed(event, effect, SecretsError.isInstance(error) ? error : undefined)
    }
  }
}

/** A trail's own `CONFIGURATION` stays one: no retry mends it. */
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

const never = new AbortController().signal

/** Everything that leaves is a `SecretsError` that names the secret. */
function asSecretsError(error: unknown, secret: string): SecretsError {
  if (SecretsError.isInstance(error)) return error.secret === undefined ? placed(error, { secret }) : error
  return new SecretsError('INTERNAL', 'unexpected failure', { secret, remedy: 'please report it' })
}

/** Members of its own, for what is not learnt: nobody else's shine through. */
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
}

/** What the store gave is a lease: it exists, whether the caller gets it or not. */
function isLeased({ exclusive, from }: Facts): boolean {
  return exclusive === true && from === 'store'
}

function factsOf({ provider, version, revision, from, stale, degraded, matched }: TraceMessage): Omit<Facts, 'exclusive'> {
  return { provider, version, revision, from, stale, degraded, matched }
}
