import type { SecretsManager, SecretValue } from '@finchat/secrets-core'
import { hasCode, knownOptions } from '@finchat/secrets-core/provider'
import { discardSecret, stageSecret } from '@finchat/secrets-core/staging'
import { excuseUsers, type FormerUsage, forbiddingUsage } from './former-usage.ts'
import { graceEnd, retirable } from './grace.ts'
import { retireMembers, type RetireOptions, type Run, runOf } from './rotate-options.ts'
import { isForced, isOutdated, isRetirement, otherSecretOf, stagedNote } from './staged-note.ts'
import { assertSameStore, attemptOf, contentOf, readCurrent, readPending, type UnreadableFormer, type Waiting } from './stored-versions.ts'
import { isAccepted, retire } from './target-steps.ts'

/** What `retirePrevious` did. */
export interface Retirement {
  /**
   * `retired`: the former value is withdrawn. `nothing`: there is none, or the target refuses it
   * already. `inGrace`: it may still be used. `rotating`: a version is staged, so `rotate` is next,
   * of this secret or of another field of its document. `unproven`: the target refuses the current
   * value, so the former one was left. `notSafe`: with `whenUnused`, somebody still uses it, or may.
   */
  readonly outcome: 'retired' | 'nothing' | 'inGrace' | 'rotating' | 'unproven' | 'notSafe'
  /** With `inGrace`: when the grace period ends, if the store tells it. */
  readonly retireAt?: number | undefined
  /** With `notSafe`: who uses it, or why that is unknown. */
  readonly usage?: FormerUsage | undefined
}

/**
 * Withdraws the value before the current one at the target, once its grace period is over by the
 * store's times. May be repeated: a value that the target refuses is left alone. While it works, a
 * copy of the current value is staged, so that no rotation begins.
 *
 * Rejects as `rotate` does.
 *
 * @example
 * import { createSecretsManager } from '@finchat/secrets-core'
 * import { functionTarget, retirePrevious } from '@finchat/secrets-rotation'
 * import { memoryProvider } from '@finchat/secrets-testkit'
 *
 * const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { db: 'old' } })] })
 * await secrets.rotateSecret('db', 'new')
 * let passwords = ['old', 'new']
 * const target = functionTarget({
 *   apply: async (value) => void passwords.push(value.reveal()),
 *   test: async (value) => (passwords.includes(value.reveal()) ? 'accepted' : 'refused'),
 *   retire: async (old) => void (passwords = passwords.filter((password) => password !== old.reveal())),
 * })
 * console.log((await retirePrevious(secrets, 'db', { target, graceSeconds: 600 })).outcome) // inGrace
 * console.log((await retirePrevious(secrets, 'db', { target, graceSeconds: 0 })).outcome, passwords) // retired [ 'new' ]
 */
export async function retirePrevious(secrets: SecretsManager, name: string, options: RetireOptions): Promise<Retirement> {
  const run = runOf(secrets, name, knownOptions(options, retireMembers, 'INVALID_ARGUMENT'))
  return run.progress.reporting(() => retireOrWait(run))
}

async function retireOrWait(run: Run): Promise<Retirement> {
  const pending = await readPending(run)
  if (pending !== undefined) {
    const isOwn = isRetirement(pending) && otherSecretOf(pending, run) === undefined
    return isOwn ? finishRetirement(run, pending) : { outcome: 'rotating' }
  }
  const current = await readCurrent(run)
  const previous = await retirable(run, current)
  if (typeof previous !== 'object') return retireNothing(run, current, previous)
  const retireAt = await graceEnd(run, current)
  if (!run.force && !isPast(retireAt, Date.now())) return { outcome: 'inGrace', retireAt }
  if (!(await isAccepted(run, previous))) return { outcome: 'nothing' }
  const usage = await forbiddingUsage(run, current, previous)
  if (usage !== undefined) return { outcome: 'notSafe', usage }
  return (await holdPlace(run, current)) ? retireOrWait(run) : { outcome: 'rotating' }
}

/** A former value that cannot be read may be in use. It cannot be withdrawn here. */
async function retireNothing(run: Run, current: SecretValue, former: UnreadableFormer | undefined): Promise<Retirement> {
  const usage = former && (await forbiddingUsage(run, current, former))
  return usage === undefined ? { outcome: 'nothing' } : { outcome: 'notSafe', usage }
}

function isPast(time: number | undefined, now: number): boolean {
  return time !== undefined && time <= now
}

/** Stages a copy of the current value: its attempt is the fence of the retirement. */
async function holdPlace(run: Run, current: SecretValue): Promise<boolean> {
  const { secrets, name, call, progress } = run
  progress.enter('stage')
  const note = stagedNote(undefined, run.force ? 'retire now' : 'retire', run, current)
  try {
    attemptOf(await stageSecret(secrets, name, contentOf(current), { ...call, note }), name)
    return true
  } catch (error) {
    if (hasCode(error, 'VERSION_CONFLICT')) return false
    throw error
  }
}

/** Withdraws what any rotator staged the copy for, and discards the copy. */
export async function finishRetirement(run: Run, copy: Waiting): Promise<Retirement> {
  run.progress.concerns(copy)
  const current = await readCurrent(run)
  assertSameStore(copy, current, run.name)
  const retirement = isOutdated(copy, current) ? ({ outcome: 'nothing' } as const) : await retireBelow(run, copy, current, isForced(copy))
  run.progress.enter('discard')
  await discardSecret(run.secrets, run.name, copy, run.call)
  if (retirement.outcome === 'retired') run.progress.enter('done', { outcome: 'retired' })
  return retirement
}

/** Withdraws the former value if it is due, and if the current one is known to work. */
export async function retireBelow(run: Run, staged: Waiting, current: SecretValue, isNow = false): Promise<Retirement> {
  const previous = await retirable(run, current)
  if (typeof previous !== 'object') return { outcome: 'nothing' }
  const retireAt = await graceEnd(run, current)
  if (!isNow && !isPast(retireAt, staged.stagedAt ?? Date.now())) return { outcome: 'inGrace', retireAt }
  if (!(await isAccepted(run, current))) return { outcome: 'unproven' }
  const usage = isNow ? undefined : await forbiddingUsage(run, current, previous)
  if (usage !== undefined) return { outcome: 'notSafe', usage }
  if (!(await retire(run, staged, previous, current))) return { outcome: 'nothing' }
  if (isNow || run.force) await excuseUsers(run, current, previous)
  return { outcome: 'retired' }
}
