import { channel } from 'node:diagnostics_channel'
import { SecretsError } from '@finchat/secrets-core'
import { warnOperator } from '@finchat/secrets-core/provider'

/**
 * What a rotator does now, or how it ended: `done` or `failed`. Before that: the current version is
 * `due`, or `overdue`.
 */
export type RotationStep =
  | 'due'
  | 'overdue'
  | 'stage'
  | 'retire'
  | 'apply'
  | 'test'
  | 'promote'
  | 'rollBack'
  | 'discard'
  | 'done'
  | 'failed'

/**
 * How a rotation ended. `rotated`: this call staged the version that is current now. `finished`:
 * another rotator had staged it. `overtaken`: somebody wrote or rotated the secret meanwhile.
 */
export type RotationOutcome = 'rotated' | 'finished' | 'overtaken'

/**
 * Where a rotation stands, as data: for `onState`, and for subscribers of the diagnostics channel
 * `finchat.secrets.rotation`. It never holds a value.
 */
export interface RotationState {
  /** The secret. */
  readonly name: string
  readonly step: RotationStep
  /** The actor, or host and process of this rotator. */
  readonly by: string
  /** When this call began, epoch milliseconds of this host. */
  readonly startedAt: number
  /** Of the staged version. */
  readonly attempt?: number | undefined
  readonly version?: number | undefined
  /** Who staged it, from its note. */
  readonly stagedBy?: string | undefined
  /** With `done`. */
  readonly outcome?: RotationOutcome | 'retired' | undefined
  /** With `failed`. */
  readonly code?: string | undefined
  /** With `due` and `overdue`: when it was due, and from when on it is overdue; epoch milliseconds. */
  readonly dueAt?: number | undefined
  readonly overdueAt?: number | undefined
}

/** Called with each state. If it throws or rejects, a warning says so. */
export type OnState = (state: RotationState) => unknown

const states = channel('finchat.secrets.rotation')

/** Tells everyone who listens where one rotation stands. */
export class Progress {
  readonly #onState: OnState | undefined
  #state: RotationState

  constructor(name: string, by: string, onState: OnState | undefined) {
    this.#onState = onState
    this.#state = { name, step: 'stage', by, startedAt: Date.now() }
  }

  get by(): string {
    return this.#state.by
  }

  /** From now on states are about this version. */
  concerns({
    attempt,
    version,
    note,
  }: {
    attempt?: number | undefined
    version?: number | undefined
    note?: Readonly<Record<string, string>> | undefined
  }): void {
    this.#state = { ...this.#state, attempt, version, stagedBy: note?.['by'] }
  }

  enter(step: RotationStep, more: Pick<RotationState, 'outcome' | 'code' | 'dueAt' | 'overdueAt'> = {}): void {
    this.#state = { ...this.#state, step, ...more }
    const state = Object.freeze({ ...this.#state })
    if (states.hasSubscribers) states.publish(state)
    // A rotation must not stop half-way because a listener fails.
    const warn = (): void => warnOperator('`onState` of a rotation threw an error', 'FINCHAT_SECRETS_ROTATION_STATE')
    ;(async () => this.#onState?.(state))().catch(warn)
  }

  /** Runs a whole rotation, and tells how it failed. */
  async reporting<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      this.enter('failed', { code: SecretsError.isInstance(error) ? error.code : 'INTERNAL' })
      throw error
    }
  }
}
