import type { SecretFields, SecretReceipt, SecretsManager, SecretValue, WriteReceipt } from '@finchat/secrets-core'
import { hasCode } from '@finchat/secrets-core/provider'
import { discardSecret, type PendingSecret, stageSecret, type StagedSecretReceipt } from '@finchat/secrets-core/staging'
import { type Ending, finish } from './finish.ts'
import { assertMayRotate, retireTime } from './grace.ts'
import { finishRetirement } from './retire-previous.ts'
import { knownRotateOptions, type RotateOptions, type Run, runOf } from './rotate-options.ts'
import { keptChanging, sharedDocument } from './rotation-error.ts'
import type { RotationOutcome } from './rotation-state.ts'
import { isOutdated, isRetirement, otherSecretOf, stagedNote } from './staged-note.ts'
import { attemptOf, holdsValue, isSameVersion, readCurrent, readPending, type Waiting } from './stored-versions.ts'
import { nextValue } from './target-steps.ts'

/** What a rotation did, and what is current now. */
export interface RotationResult extends WriteReceipt {
  readonly outcome: RotationOutcome
  readonly provider: string
  /** Of the version that this call worked on; undefined if it was overtaken before it staged. */
  readonly attempt?: number | undefined
  /** Who staged that version, if its note says so. */
  readonly stagedBy?: string | undefined
  /** When `retirePrevious` may withdraw the former value, if the target can. */
  readonly retireAt?: number | undefined
}

/**
 * Gives a secret a new value, in the store and at its target: staged, set, tested, then made
 * current. A staged version of any rotator is finished instead, so that a rotator may die at any
 * step. A value that the target refuses is rolled back.
 *
 * Rejects with `CONFIGURATION` after a rollback. Rejects with `RATE_LIMITED` and `retryAt` while
 * the former value is in its grace period. Else it rejects with what the store or the target said: the
 * staged version waits, and the next call finishes it.
 *
 * @example
 * import { createSecretsManager } from '@finchat/secrets-core'
 * import { functionTarget, passwordGenerator, rotate } from '@finchat/secrets-rotation'
 * import { memoryProvider } from '@finchat/secrets-testkit'
 *
 * const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { db: 'old' } })] })
 * let password = 'old' // in production: a database
 * const target = functionTarget({
 *   apply: async (value) => void (password = value.reveal()),
 *   test: async (value) => (value.reveal() === password ? 'accepted' : 'refused'),
 * })
 * const { outcome, version } = await rotate(secrets, 'db', { target, generate: passwordGenerator(), graceSeconds: 600 })
 * console.log(outcome, version, password === (await secrets.getSecret('db'))) // rotated 2 true
 */
export function rotate(secrets: SecretsManager, name: string, options: RotateOptions): Promise<RotationResult> {
  return rotateFrom(secrets, name, options, undefined)
}

/** As `rotate`, but begins only from this version: another one means that somebody was faster. */
export async function rotateFrom(
  secrets: SecretsManager,
  name: string,
  options: RotateOptions,
  expected: WriteReceipt | undefined,
): Promise<RotationResult> {
  const known = knownRotateOptions(options)
  const run = runOf(secrets, name, known)
  return run.progress.reporting(async () => {
    for (let round = 0; round < mostRounds; round += 1) {
      const result = await oneRound(run, known, expected)
      if (result !== undefined) return result
    }
    throw keptChanging(name)
  })
}

/** Each further round follows a change by another rotator. */
const mostRounds = 5

/** Undefined: look again. */
async function oneRound(run: Run, options: RotateOptions, expected: WriteReceipt | undefined): Promise<RotationResult | undefined> {
  const pending = await readPending(run)
  const current = await readCurrent(run) // after it, so that a promotion between the two shows
  if (pending === undefined) {
    if (expected !== undefined && !isSameVersion(expected, current)) return resultOf(run, 'overtaken', current)
    return begin(run, options, current)
  }
  assertOwn(run, pending)
  if (isRetirement(pending)) {
    await finishRetirement(run, pending)
    return undefined
  }
  const ending = await finish(run, pending, current, 'found')
  // What an earlier rotation had left behind is withdrawn by now, and nothing was rotated.
  if (ending.isOvertaken && isOutdated(pending, current)) return undefined
  return ended(run, ending, 'finished', pending)
}

/** To promote the document would promote another field, which its target may not have. */
function assertOwn(run: Run, pending: Waiting): void {
  const other = otherSecretOf(pending, run)
  if (other !== undefined) throw sharedDocument(run.name, other)
}

async function begin(run: Run, { generate, note }: RotateOptions, current: SecretValue): Promise<RotationResult | undefined> {
  await assertMayRotate(run, current)
  const value = await nextValue(run, current, generate)
  const receipt = await stage(run, value, current, note)
  if (receipt === undefined) return undefined
  const pending = await readPending(run)
  const now = await readCurrent(run)
  if (pending === undefined || !isSameVersion(pending, receipt))
    // another rotator was faster
    return resultOf(run, holdsValue(now, value) ? 'rotated' : 'overtaken', now, receipt)
  return ended(run, await finish(run, pending, now, 'new'), 'rotated', pending)
}

/** Undefined: another version is staged, or was written meanwhile. */
async function stage(
  run: Run,
  value: string | SecretFields,
  current: SecretValue,
  given: RotateOptions['note'],
): Promise<StagedSecretReceipt | undefined> {
  const { secrets, name, call, progress } = run
  progress.enter('stage')
  const note = stagedNote(given, 'rotate', run, current)
  try {
    const receipt = await stageSecret(secrets, name, value, { ...call, note })
    await assertNumbered(run, receipt)
    return receipt
  } catch (error) {
    if (hasCode(error, 'VERSION_CONFLICT')) return undefined
    throw error
  }
}

/** Nothing was applied yet, and nothing can be: the version would wait for ever. */
async function assertNumbered({ secrets, name, call }: Run, receipt: StagedSecretReceipt): Promise<void> {
  if (receipt.attempt === undefined) await discardSecret(secrets, name, receipt, call)
  attemptOf(receipt, name)
}

function ended(run: Run, { isOvertaken, current }: Ending, outcome: RotationOutcome, staged: Waiting): Promise<RotationResult> {
  return resultOf(run, isOvertaken ? 'overtaken' : outcome, current, staged)
}

async function resultOf(
  run: Run,
  outcome: RotationOutcome,
  current: SecretReceipt,
  staged?: Pick<PendingSecret, 'attempt' | 'note'>,
): Promise<RotationResult> {
  const { provider, version, revision } = current
  const retireAt = run.target.retire === undefined ? undefined : await retireTime(run, current)
  run.progress.enter('done', { outcome })
  return { outcome, provider, version, revision, attempt: staged?.attempt, stagedBy: staged?.note?.['by'], retireAt }
}
