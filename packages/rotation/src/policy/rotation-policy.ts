import { assertWithin, checkedNote, configurationError, isWholeNumber, knownOptions, loadCrypto } from '@finchat/secrets-core/provider'
import { assertGrace, assertTarget, type RotateOptions } from '../engine/rotate-options.ts'
import { durationMs } from './duration.ts'

/** Options of `rotationSchedule`. */
export interface RotationScheduleOptions {
  /** How old a version may become: `30d`, `12h`, `1d 12h`. Units: `s`, `m`, `h`, `d`, `w`. */
  readonly every: string
  /**
   * The share of `every`, 0 to 0.5, by which a rotation may be earlier, so that secrets written
   * together are not rotated together. The same for all rotators. Default 0.1.
   */
  readonly jitter?: number | undefined
}

/** Options of `rotationPolicy`. */
export interface RotationPolicyOptions
  extends RotationScheduleOptions, Pick<RotateOptions, 'target' | 'generate' | 'graceSeconds' | 'whenUnused' | 'note'> {}

/** When a secret is rotated. */
export interface RotationSchedule {
  /** Milliseconds. */
  readonly everyMs: number
  readonly jitter: number
}

/** When and how a secret is rotated. */
export interface RotationPolicy
  extends RotationSchedule, Pick<RotateOptions, 'target' | 'generate' | 'graceSeconds' | 'whenUnused' | 'note'> {}

const scheduleMembers = { every: 'string', jitter: 'number' } as const
const policyMembers = {
  ...scheduleMembers,
  graceSeconds: 'any',
  target: 'any',
  generate: 'any',
  whenUnused: 'boolean',
  note: 'any',
} as const

/**
 * Returns when a secret is rotated, for `reportRotations` in a service that does not rotate it. Use
 * what the rotator's policy has. Throws `CONFIGURATION` for options that make no sense.
 *
 * @example
 * import { rotationSchedule } from '@finchat/secrets-rotation'
 *
 * console.log(rotationSchedule({ every: '30d' })) // { everyMs: 2592000000, jitter: 0.1 }
 */
export function rotationSchedule(options: RotationScheduleOptions): RotationSchedule {
  return Object.freeze(scheduleOf(knownOptions(options, scheduleMembers)))
}

function scheduleOf({ every, jitter = 0.1 }: RotationScheduleOptions): RotationSchedule {
  const everyMs = durationMs('every', every)
  assertWithin('jitter', jitter, 0, 0.5)
  return { everyMs, jitter }
}

/**
 * Returns a policy for `rotateDue`. Throws `CONFIGURATION` for options that make no sense, such as
 * a grace period that is longer than the time between two rotations.
 *
 * @example
 * import { functionTarget, passwordGenerator, rotationPolicy } from '@finchat/secrets-rotation'
 *
 * const target = functionTarget({ apply: async () => {}, test: async () => 'accepted' })
 * const policy = rotationPolicy({ every: '30d', graceSeconds: 3600, target, generate: passwordGenerator() })
 * console.log(policy.everyMs) // 2592000000
 */
export function rotationPolicy(options: RotationPolicyOptions): RotationPolicy {
  const known = knownOptions(options, policyMembers)
  const { graceSeconds, target, generate, whenUnused, note } = known
  const schedule = scheduleOf(known)
  assertGrace(graceSeconds)
  assertTarget(target)
  if (typeof generate !== 'function') throw configurationError('`generate` is not a function', 'pass passwordGenerator()')
  if (graceSeconds * 1000 >= schedule.everyMs * (1 - schedule.jitter))
    throw configurationError('`graceSeconds` is longer than the time between two rotations', 'rotate less often, or shorten it')
  return Object.freeze({ ...schedule, graceSeconds, target, generate, whenUnused, note: checkedNote(note) })
}

/**
 * When the version that is current since then is due, epoch milliseconds. Every rotator computes
 * the same time, and each version another one.
 */
export function dueTime({ everyMs, jitter }: RotationSchedule, name: string, since: number): number {
  const digest = loadCrypto().createHash('sha256').update(`${since} ${name}`).digest()
  const share = digest.readUInt32BE(0) / 2 ** 32
  return since + Math.round(everyMs * (1 - jitter * share))
}

/** A map or a list has no members of its own to rotate. */
function isPlainObject(value: unknown): boolean {
  if (Object(value) !== value) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Without its `everyMs` a secret would be due at each call. */
export function assertSchedules(schedules: Readonly<Record<string, RotationSchedule>>): void {
  const isSchedule = (schedule: RotationSchedule): boolean =>
    Object(schedule) === schedule && isWholeNumber(schedule.everyMs, 1, Infinity) && schedule.jitter >= 0 && schedule.jitter <= 0.5
  if (isPlainObject(schedules) && Object.values(schedules).every(isSchedule)) return
  throw configurationError('the policies are no object of rotation policies', 'pass { name: rotationPolicy(…) }')
}
