import { type RotationHealth, SecretsError, type SecretsManager } from '@finchat/secrets-core'
import { bounded, hasCode } from '@finchat/secrets-core/provider'
import { rotatorName } from '../engine/rotate-options.ts'
import { Progress } from '../engine/rotation-state.ts'
import { dueStatus, type DueTimes, dueTimesOf } from './due-times.ts'
import type { RotationSchedule } from './rotation-policy.ts'

/** A version that is not due changes only by a write out of turn. */
const askEveryMs = 300_000
/** While it is due a rotator is about to change it; a failure may be over. */
const askSoonMs = 60_000

/** What is known of one secret's next rotation. */
export class DueCheck {
  readonly name: string
  readonly #secrets: SecretsManager
  readonly #schedule: RotationSchedule
  readonly #actor: string | undefined
  #times: DueTimes | undefined
  #failure: SecretsError | undefined
  #askedAt = -Infinity
  /** The version and status that were published last. */
  #published: string | undefined

  constructor(secrets: SecretsManager, name: string, schedule: RotationSchedule, actor: string | undefined) {
    this.name = name
    this.#secrets = secrets
    this.#schedule = schedule
    this.#actor = actor
  }

  /** Also if the clock was set back. */
  isToAsk(now: number = Date.now()): boolean {
    const age = now - this.#askedAt
    const isQuiet = this.#failure === undefined && this.#times !== undefined && dueStatus(this.#times, now) === 'ok'
    return age < 0 || age >= (isQuiet ? askEveryMs : askSoonMs)
  }

  /** Never rejects. */
  async ask(signal: AbortSignal, deadlineMs: number): Promise<void> {
    const describe = (within: AbortSignal): Promise<DueTimes> => this.#describe(within)
    const [answer] = await Promise.allSettled([bounded(describe, { deadlineMs, signal: undefined, closing: signal })])
    this.#askedAt = Date.now()
    this.#failure = answer.status === 'rejected' ? knownError(answer.reason) : undefined
    // After a refusal the times before it are out of date; an outage changes nothing.
    if (answer.status === 'fulfilled') this.#times = answer.value
    else if (!hasCode(answer.reason, 'UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RATE_LIMITED', 'ABORTED')) this.#times = undefined
  }

  /** Publishes on the channel once that a version is due, and once that it is overdue. */
  report(): RotationHealth {
    const [times, failure] = [this.#times, this.#failure]
    const why = failure && { code: failure.code, message: failure.message }
    if (times === undefined) return { status: 'unknown', ...why }
    const status = dueStatus(times, Date.now())
    if (status !== 'ok') this.#publish(status, times)
    return { status, ...times, ...why }
  }

  async #describe(signal: AbortSignal): Promise<DueTimes> {
    const described = await this.#secrets.describeSecret(this.name, { signal, actor: this.#actor })
    return dueTimesOf(this.#schedule, this.name, described)
  }

  #publish(status: 'due' | 'overdue', { currentSince, dueAt, overdueAt }: DueTimes): void {
    const news = `${status} ${currentSince}`
    if (news === this.#published) return
    this.#published = news
    new Progress(this.name, rotatorName(this.#actor), undefined).enter(status, { dueAt, overdueAt })
  }
}

function knownError(reason: unknown): SecretsError {
  return SecretsError.isInstance(reason) ? reason : new SecretsError('INTERNAL', 'unexpected failure')
}
