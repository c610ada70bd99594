import type { AuditRecord, AuditedOperation } from '@finchat/secrets-core'
import type { RotationSummary } from './audit-summary.ts'

/** Steps of a rotation, and writes that are one. */
const steps: ReadonlySet<string> = new Set<AuditedOperation>([
  'rotate',
  'stage',
  'apply',
  'test',
  'promote',
  'rollback',
  'retire',
  'discard',
])

/** Bounds memory. A rotation has at most a dozen steps, and only the last one is shown. */
const mostSteps = 32

type Step = Pick<AuditRecord, 'operation' | 'time' | 'actor' | 'outcome' | 'code' | 'provider' | 'version'>

export type LastRotation = Pick<RotationSummary, 'outcome' | 'code' | 'by' | 'last' | 'lastRetired' | 'retiredBy'>

export function isRotationStep({ operation }: AuditRecord): boolean {
  return steps.has(operation)
}

/** The rotations of one secret in a trail, by several processes. */
export class RotationTally {
  #rotations = 0
  /** The last ones, by time: segments of several processes are read one after the other. */
  readonly #steps: Step[] = []

  get rotations(): number {
    return this.#rotations
  }

  add({ operation, time, actor, outcome, code, provider, version }: AuditRecord): void {
    if (outcome === 'ok' && isReplacement(operation)) this.#rotations++
    // Another rotator came first, and its own steps count.
    if (code === 'VERSION_CONFLICT') return
    const before = this.#steps.findLastIndex((step) => step.time <= time)
    this.#steps.splice(before + 1, 0, { operation, time, actor, outcome, code, provider, version })
    if (this.#steps.length > mostSteps) this.#steps.shift()
  }

  /** Whether a version was staged and waits: a read of it does not show that it is current. */
  isPending(provider: string | undefined, version: number | undefined): boolean {
    const isOf = (step: Step): boolean => step.outcome === 'ok' && step.provider === provider && step.version === version
    const last = this.#steps.findLast((step) => isOf(step) && (step.operation === 'stage' || isReplacement(step.operation)))
    return version !== undefined && last?.operation === 'stage'
  }

  last(): LastRotation {
    const reading = new StepsReading()
    for (const step of this.#steps) reading.next(step)
    return reading.end()
  }
}

function isReplacement(operation: string): boolean {
  return operation === 'promote' || operation === 'rotate'
}

/** Follows the steps in their order. */
class StepsReading {
  #last: LastRotation = {}
  /** What a retirement goes back to: it stages a copy too. */
  #beforeStage: LastRotation = {}
  #isRolledBack = false
  #retired: Pick<LastRotation, 'lastRetired' | 'retiredBy'> = {}

  next({ operation, outcome, code, time, actor }: Step): void {
    const end = { by: actor, last: time }
    if (outcome !== 'ok') this.#last = { outcome: 'failed', code, ...end }
    else if (isReplacement(operation)) this.#last = { outcome: 'rotated', ...end }
    else if (operation === 'stage') this.#staged(end)
    else if (operation === 'rollback') this.#isRolledBack = true
    else if (operation === 'retire') this.#retired = { lastRetired: time, retiredBy: actor }
    else if (operation === 'discard') this.#discarded(end)
  }

  end(): LastRotation {
    return { ...this.#last, ...this.#retired }
  }

  #staged(end: Pick<LastRotation, 'by' | 'last'>): void {
    // A repeated call after a lost answer stages nothing new.
    if (this.#last.outcome !== 'unfinished') this.#beforeStage = this.#last
    this.#last = { outcome: 'unfinished', ...end }
    this.#isRolledBack = false
  }

  #discarded(end: Pick<LastRotation, 'by' | 'last'>): void {
    if (this.#isRolledBack) this.#last = { outcome: 'rolledBack', ...end }
    else if (this.#last.outcome === 'unfinished') this.#last = this.#beforeStage
    this.#isRolledBack = false
  }
}
