import type { DescribedSecret, SecretsError, SecretValue, WriteReceipt } from '@finchat/secrets-core'
import { forbiddingUsage, stillUsed } from './former-usage.ts'
import type { Run } from './rotate-options.ts'
import { inGrace } from './rotation-error.ts'
import { isSameVersion, keepsNoVersions, readFormer, type UnreadableFormer } from './stored-versions.ts'
import { isAccepted } from './target-steps.ts'

/**
 * When the value before the current one may be withdrawn, by the store's times; where it tells only
 * the earliest time, from then on. Undefined if it tells none.
 */
export async function graceEnd(run: Run, current: SecretValue): Promise<number | undefined> {
  if (current.currentSince !== undefined) return current.currentSince + run.graceSeconds * 1000
  return endAfter(run, await run.secrets.describeSecret(run.name, run.call), current)
}

/** As `graceEnd`, of what was just made current: a failure must not hide that it was. */
export async function retireTime(run: Run, current: WriteReceipt): Promise<number | undefined> {
  const [described] = await Promise.allSettled([run.secrets.describeSecret(run.name, run.call)])
  return described.status === 'fulfilled' ? endAfter(run, described.value, current) : undefined
}

function endAfter({ graceSeconds }: Run, described: DescribedSecret, current: WriteReceipt): number | undefined {
  const since = isSameVersion(described, current) ? (described.currentSince ?? described.currentNotBefore) : undefined
  return since === undefined ? undefined : since + graceSeconds * 1000
}

/** The former value, if the target can withdraw it, or why it cannot be read. */
export async function retirable(run: Run, current: SecretValue): Promise<SecretValue | UnreadableFormer | undefined> {
  if (run.target.retire === undefined) return undefined
  const former = await readFormer(run, current)
  if (former === 'noVersions' && run.whenUnused && !run.force) throw keepsNoVersions()
  return former
}

/** Rejects while a rotation would withdraw a value whose grace period is not over, or that is used. */
export async function assertMayRotate(run: Run, current: SecretValue): Promise<void> {
  await assertGraceIsOver(run, current)
  await assertUnused(run, current)
}

/** Rejects while a rotation would withdraw a value whose grace period is not over. */
export async function assertGraceIsOver(run: Run, current: SecretValue): Promise<void> {
  const end = await endOfGrace(run, current)
  if (end !== undefined && end > Date.now()) throw inGrace(run.name, end)
}

/** `Infinity` if the store does not tell it; undefined if a rotation ends no grace period. */
export async function endOfGrace(run: Run, current: SecretValue): Promise<number | undefined> {
  if (run.force || run.graceSeconds === 0 || typeof (await retirable(run, current)) !== 'object') return undefined
  return (await graceEnd(run, current)) ?? Infinity
}

/** Rejects while a rotation would withdraw a value that is used, or may be. */
export async function assertUnused(run: Run, current: SecretValue): Promise<void> {
  const refusal = await refusalOfUse(run, current)
  if (refusal !== undefined) throw refusal
}

/** What `assertUnused` rejects with; undefined if nothing forbids a rotation. */
export async function refusalOfUse(run: Run, current: SecretValue): Promise<SecretsError | undefined> {
  if (run.force || !run.whenUnused) return undefined
  const former = await retirable(run, current)
  if (former === undefined || (typeof former === 'object' && !(await isAccepted(run, former)))) return undefined
  const usage = await forbiddingUsage(run, current, former)
  return usage === undefined ? undefined : stillUsed(run.name, usage)
}
