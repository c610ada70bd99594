import { type CallOptions, type SecretsManager, SecretsError, type WriteReceipt } from '@finchat/secrets-core'
import { assertWholeNumber, bounded, configurationError, isWholeNumber, knownOptions, longestTimerMs } from '@finchat/secrets-core/provider'
import { pendingSecret } from '@finchat/secrets-core/staging'
import { type Retirement, retirePrevious } from '../engine/retire-previous.ts'
import { rotateFrom, type RotationResult } from '../engine/rotate.ts'
import type { RotateOptions } from '../engine/rotate-options.ts'
import { isRetirement } from '../engine/staged-note.ts'
import { dueTime, type RotationPolicy } from './rotation-policy.ts'

/** Options of `rotateDue`. */
export interface RotateDueOptions extends CallOptions, Pick<RotateOptions, 'onState'> {
  /** How many secrets are rotated at once, 1 to 100. Default 4. */
  readonly concurrency?: number | undefined
  /** Milliseconds for each secret. The next call finishes what is cut off. Default 300,000. */
  readonly deadlineMs?: number | undefined
}

/** What `rotateDue` did for one secret. */
export interface DueReport {
  /**
   * `rotated`: a new version is current, by this or another rotator. `notDue`: see `dueAt`.
   * `failed`: see `error`.
   */
  readonly status: 'rotated' | 'notDue' | 'failed'
  /** The current version is older than the policy allows. */
  readonly isOverdue: boolean
  /** When the version that is current now is due, epoch milliseconds; undefined if unknown. */
  readonly dueAt?: number | undefined
  readonly rotation?: RotationResult | undefined
  /** What became of the former value, if the secret was not due. */
  readonly retirement?: Retirement | undefined
  readonly error?: SecretsError | undefined
}

/**
 * Rotates the secrets that are due by the store's times, finishes rotations that were broken off,
 * and withdraws former values whose grace period is over. Call it from a cron job, a Lambda or a
 * timer, as often as you like and from several hosts. One secret that fails does not stop the
 * others: see its `error`. Rejects only for wrong options.
 *
 * @example
 * import { createSecretsManager } from '@finchat/secrets-core'
 * import { functionTarget, passwordGenerator, rotateDue, rotationPolicy } from '@finchat/secrets-rotation'
 * import { memoryProvider } from '@finchat/secrets-testkit'
 *
 * const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { db: 'old' } })] })
 * const target = functionTarget({ apply: async () => {}, test: async () => 'accepted' })
 * const db = rotationPolicy({ every: '30d', graceSeconds: 3600, target, generate: passwordGenerator() })
 * const report = await rotateDue(secrets, { db })
 * console.log(report['db']?.status, report['db']?.isOverdue) // notDue false
 */
export async function rotateDue(
  secrets: SecretsManager,
  policies: Readonly<Record<string, RotationPolicy>>,
  options: RotateDueOptions = {},
): Promise<Readonly<Record<string, DueReport>>> {
  const settings = checkedOptions(options)
  assertPolicies(policies)
  const left = Object.entries(policies)
  const reports: [string, DueReport][] = []
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift())
      reports.push([next[0], await reportOf(secrets, ...next, settings)])
  }
  await Promise.all(Array.from({ length: settings.concurrency }, work))
  return Object.fromEntries(Object.keys(policies).flatMap((name) => reports.filter(([each]) => each === name)))
}

/** Without its `everyMs` a policy would be due at each call. */
function assertPolicies(policies: Readonly<Record<string, RotationPolicy>>): void {
  const isPolicy = (policy: RotationPolicy): boolean => Object(policy) === policy && isWholeNumber(policy.everyMs, 1, Infinity)
  if (Object(policies) === policies && Object.values(policies).every(isPolicy)) return
  throw configurationError('the policies are no object of rotation policies', 'pass { name: rotationPolicy(…) }')
}

interface Settings extends CallOptions, Pick<RotateOptions, 'onState'> {
  readonly concurrency: number
  readonly deadlineMs: number
}

function checkedOptions(options: RotateDueOptions): Settings {
  const members = { concurrency: 'any', deadlineMs: 'any', onState: 'any', signal: 'any', actor: 'string', requestId: 'string' } as const
  const { concurrency = 4, deadlineMs = 300_000, ...call } = knownOptions(options, members, 'INVALID_ARGUMENT')
  assertWholeNumber('concurrency', concurrency, 1, 100)
  assertWholeNumber('deadlineMs', deadlineMs, 1, longestTimerMs)
  return { concurrency, deadlineMs, ...call }
}

/** Each secret has a deadline of its own. */
async function reportOf(secrets: SecretsManager, name: string, policy: RotationPolicy, settings: Settings): Promise<DueReport> {
  const { deadlineMs, signal, actor, requestId, onState } = settings
  const age: Age = { dueAt: undefined, overdueAt: undefined }
  try {
    const bounds = { deadlineMs, signal, closing: neverAborted, owner: 'rotateDue' }
    return await bounded((within) => visit({ secrets, name, policy, onState, call: { signal: within, actor, requestId } }, age), bounds)
  } catch (error) {
    const known = SecretsError.isInstance(error) ? error : new SecretsError('INTERNAL', 'unexpected failure', { secret: name })
    return { status: 'failed', isOverdue: isOverdue(age), dueAt: age.dueAt, error: known }
  }
}

const neverAborted = new AbortController().signal

/** What is known of the current version, kept for the report of a failure. */
interface Age {
  dueAt: number | undefined
  overdueAt: number | undefined
}

interface Visit extends Pick<RotateOptions, 'onState'> {
  readonly secrets: SecretsManager
  readonly name: string
  readonly policy: RotationPolicy
  readonly call: CallOptions
}

async function visit(visited: Visit, age: Age): Promise<DueReport> {
  const { secrets, name, policy, call, onState } = visited
  const { target, graceSeconds, generate, note } = policy
  const retiring = { target, graceSeconds, onState, ...call }
  const before = await recordAge(visited, age)
  if (!(await hasRotation(visited)) && Date.now() < (age.dueAt ?? 0)) {
    const retirement = target.retire === undefined ? undefined : await retirePrevious(secrets, name, retiring)
    return { status: 'notDue', isOverdue: false, dueAt: age.dueAt, retirement }
  }
  const rotation = await rotateFrom(secrets, name, { ...retiring, generate, note }, before)
  await recordAge(visited, age)
  return { status: 'rotated', isOverdue: isOverdue(age), dueAt: age.dueAt, rotation }
}

function isOverdue({ overdueAt }: Age): boolean {
  return overdueAt !== undefined && Date.now() >= overdueAt
}

async function recordAge({ secrets, name, policy, call }: Visit, age: Age): Promise<WriteReceipt> {
  const { version, revision, currentSince, currentNotBefore } = await secrets.describeSecret(name, call)
  const since = currentSince ?? currentNotBefore
  if (since === undefined)
    throw new SecretsError('UNSUPPORTED', 'the store does not tell since when the version is current', {
      secret: name,
      remedy: 'rotate it once with `rotate`, or keep it in a store that tells',
    })
  age.dueAt = dueTime(policy, name, since)
  age.overdueAt = since + policy.everyMs
  return { version, revision }
}

/** Whether a rotation waits to be finished. The copy that a retirement stages is none. */
async function hasRotation({ secrets, name, call }: Visit): Promise<boolean> {
  const pending = await pendingSecret(secrets, name, call)
  return pending !== undefined && !isRetirement(pending)
}
