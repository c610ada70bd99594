import { type CallOptions, type SecretsManager, SecretsError, type WriteReceipt } from '@finchat/secrets-core'
import { assertWholeNumber, bounded, knownOptions, limiter, longestTimerMs } from '@finchat/secrets-core/provider'
import { pendingSecret } from '@finchat/secrets-core/staging'
import { type Retirement, retirePrevious } from '../engine/retire-previous.ts'
import { rotateFrom, type RotationResult } from '../engine/rotate.ts'
import { assertListeners, type RotateOptions, rotatorName } from '../engine/rotate-options.ts'
import { Progress } from '../engine/rotation-state.ts'
import { isRetirement, otherSecretOf } from '../engine/staged-note.ts'
import { dueStatus, type DueTimes, dueTimesOf } from './due-times.ts'
import { assertSchedules, type RotationPolicy } from './rotation-policy.ts'

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
  assertSchedules(policies)
  const limit = limiter(settings.concurrency)
  const reports = Object.entries(policies).map(async ([name, policy]): Promise<[string, DueReport]> => {
    return [name, await limit(() => reportOf(secrets, name, policy, settings))]
  })
  return Object.fromEntries(await Promise.all(reports))
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
  assertListeners({ onState: call.onState, signal: call.signal })
  return { concurrency, deadlineMs, ...call }
}

/** Each secret has a deadline of its own. */
async function reportOf(secrets: SecretsManager, name: string, policy: RotationPolicy, settings: Settings): Promise<DueReport> {
  const { deadlineMs, signal, actor, requestId, onState } = settings
  const age: Age = { times: undefined }
  try {
    const bounds = { deadlineMs, signal, closing: neverAborted, owner: 'rotateDue' }
    return await bounded((within) => visit({ secrets, name, policy, onState, call: { signal: within, actor, requestId } }, age), bounds)
  } catch (error) {
    const known = SecretsError.isInstance(error) ? error : new SecretsError('INTERNAL', 'unexpected failure', { secret: name })
    return { status: 'failed', isOverdue: isOverdue(age), dueAt: age.times?.dueAt, error: known }
  }
}

const neverAborted = new AbortController().signal

/** What is known of the current version, kept for the report of a failure. */
interface Age {
  times: DueTimes | undefined
}

interface Visit extends Pick<RotateOptions, 'onState'> {
  readonly secrets: SecretsManager
  readonly name: string
  readonly policy: RotationPolicy
  readonly call: CallOptions
}

async function visit(visited: Visit, age: Age): Promise<DueReport> {
  const { secrets, name, policy, call, onState } = visited
  const { target, graceSeconds, whenUnused, generate, note } = policy
  const retiring = { target, graceSeconds, whenUnused, onState, ...call }
  const { before, times } = await recordAge(visited, age)
  const status = dueStatus(times, Date.now())
  if (status !== 'ok') publishDue(visited, status, times)
  else if (!(await hasRotation(visited))) {
    const retirement = target.retire === undefined ? undefined : await retirePrevious(secrets, name, retiring)
    return { status: 'notDue', isOverdue: false, dueAt: times.dueAt, retirement }
  }
  const rotation = await rotateFrom(secrets, name, { ...retiring, generate, note }, before)
  await recordAge(visited, age)
  return { status: 'rotated', isOverdue: isOverdue(age), dueAt: age.times?.dueAt, rotation }
}

function isOverdue({ times }: Age): boolean {
  return times !== undefined && dueStatus(times, Date.now()) === 'overdue'
}

async function recordAge({ secrets, name, policy, call }: Visit, age: Age): Promise<{ before: WriteReceipt; times: DueTimes }> {
  const described = await secrets.describeSecret(name, call)
  const { version, revision } = described
  const times = dueTimesOf(policy, name, described)
  age.times = times
  return { before: { version, revision }, times }
}

/** Before the rotation, so that subscribers hear of it also if that fails. */
function publishDue({ name, call, onState }: Visit, status: 'due' | 'overdue', { dueAt, overdueAt }: DueTimes): void {
  new Progress(name, rotatorName(call.actor), onState).enter(status, { dueAt, overdueAt })
}

/**
 * Whether a rotation of this secret waits to be finished. The copy that a retirement stages is none.
 */
async function hasRotation(visited: Visit): Promise<boolean> {
  const pending = await pendingSecret(visited.secrets, visited.name, visited.call)
  return pending !== undefined && !isRetirement(pending) && otherSecretOf(pending, visited) === undefined
}
