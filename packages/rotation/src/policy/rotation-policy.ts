import { assertWithin, configurationError, knownOptions, loadCrypto } from '@finchat/secrets-core/provider'
import { assertGrace, assertTarget, type RotateOptions } from '../engine/rotate-options.ts'
import { durationMs } from './duration.ts'

/** Options of `rotationPolicy`. */
export interface RotationPolicyOptions extends Pick<RotateOptions, 'target' | 'generate' | 'graceSeconds' | 'note'> {
  /** How old a version may become: `30d`, `12h`, `1d 12h`. Units: `s`, `m`, `h`, `d`, `w`. */
  readonly every: string
  /**
   * The share of `every`, 0 to 0.5, by which a rotation may be earlier, so that secrets written
   * together are not rotated together. The same for all rotators. Default 0.1.
   */
  readonly jitter?: number | undefined
}

/** When and how a secret is rotated. */
export interface RotationPolicy extends Pick<RotateOptions, 'target' | 'generate' | 'graceSeconds' | 'note'> {
  /** Milliseconds. */
  readonly everyMs: number
  readonly jitter: number
}

/**
 * Returns a policy for `rotateDue`. Throws `CONFIGURATION` for options that make no sense, such as a
 * grace period that is longer than the time between two rotations.
 *
 * @example
 * import { functionTarget, passwordGenerator, rotationPolicy } from '@finchat/secrets-rotation'
 *
 * const target = functionTarget({ apply: async () => {}, test: async () => 'accepted' })
 * const policy = rotationPolicy({ every: '30d', graceSeconds: 3600, target, generate: passwordGenerator() })
 * console.log(policy.everyMs) // 2592000000
 */
export function rotationPolicy(options: RotationPolicyOptions): RotationPolicy {
  const known = knownOptions(options, { every: 'string', graceSeconds: 'any', jitter: 'number', target: 'any', generate: 'any', note: 'any' })
  const { every, graceSeconds, jitter = 0.1, target, generate, note } = known
  const everyMs = durationMs('every', every)
  assertGrace(graceSeconds)
  assertTarget(target)
  if (typeof generate !== 'function') throw configurationError('`generate` is not a function', 'pass passwordGenerator()')
  assertWithin('jitter', jitter, 0, 0.5)
  if (graceSeconds * 1000 >= everyMs * (1 - jitter))
    throw configurationError('`graceSeconds` is longer than the time between two rotations', 'rotate less often, or shorten it')
  return Object.freeze({ everyMs, graceSeconds, jitter, target, generate, note })
}

/**
 * When the version that is current since then is due, epoch milliseconds. Every rotator computes the
 * same time, and each version another one.
 */
export function dueTime({ everyMs, jitter }: RotationPolicy, name: string, since: number): number {
  const digest = loadCrypto().createHash('sha256').update(`${since} ${name}`).digest()
  const share = digest.readUInt32BE(0) / 2 ** 32
  return since + Math.round(everyMs * (1 - jitter * share))
}
