import type { SecretReceipt, SecretsError, SecretValue } from '@finchat/secrets-core'
import { hasCode } from '@finchat/secrets-core/provider'
import { discardSecret, promoteSecret } from '@finchat/secrets-core/staging'
import { assertUnused, endOfGrace, refusalOfUse } from './grace.ts'
import { retireBelow } from './retire-previous.ts'
import type { Run } from './rotate-options.ts'
import { aheadOfStore, cannotDiscard, inGrace, neitherWorks, rolledBack } from './rotation-error.ts'
import { isOutdated, otherSecretOf } from './staged-note.ts'
import { assertSameStore, hasSameContent, isSameVersion, readCurrent, readPending, type Waiting } from './stored-versions.ts'
import { apply, applyAgain, isAccepted } from './target-steps.ts'

/** How the work on a staged version ended, and what is current now. */
export interface Ending {
  /** Something else than the staged version is current. */
  readonly isOvertaken: boolean
  readonly current: SecretReceipt
}

/**
 * What is known of a staged version. `new`: this call staged it just now, so that the target cannot
 * know it. `set`: a step before set it, and resolved. `found`: who staged it may have ended at any call.
 */
export type Known = 'new' | 'set' | 'found'

/** Brings a staged version to its end, whoever staged it. */
export async function finish(run: Run, staged: Waiting, current: SecretValue, known: Known): Promise<Ending> {
  run.progress.concerns(staged)
  assertSameStore(staged, current, run.name)
  if (isOutdated(staged, current)) return giveWay(run, staged)
  const refusal = known === 'new' ? await refusalOf(run, staged, current) : undefined
  if (refusal !== undefined) return refuse(run, staged, refusal)
  return (await makeAccepted(run, staged, current, known)) ?? promote(run, staged)
}

/** Why the former value must not end yet, by the store's clock alone: this host's may be ahead. */
async function refusalOf(run: Run, { stagedAt }: Waiting, current: SecretValue): Promise<SecretsError | undefined> {
  const end = await endOfGrace(run, current)
  if (end !== undefined && stagedAt !== undefined && end > stagedAt) return inGrace(run.name, end)
  return refusalOfUse(run, current)
}

async function refuse(run: Run, staged: Waiting, refusal: SecretsError): Promise<Ending> {
  if (await discard(run, staged)) throw refusal
  return giveWay(run, staged)
}

/** Undefined: the target accepts the staged version, and will after a restart. Otherwise it came to an end. */
export async function makeAccepted(run: Run, staged: Waiting, current: SecretValue, known: Known): Promise<Ending | undefined> {
  const isAlready = known !== 'new' && (await isAccepted(run, staged.value))
  if (isAlready && known === 'set') return undefined
  if (known !== 'new' && !isAlready) await assertUnused(run, current) // it waits, and a later call finishes it
  // One that is found accepted is applied again: it was perhaps in the target's memory alone.
  const ending = isAlready ? await applyFenced(run, staged, current) : await set(run, staged, current)
  if (ending !== undefined) return ending
  return (await isAccepted(run, staged.value)) ? undefined : rollBack(run, staged)
}

/** Undefined: the target has the staged version. Otherwise it came to an end. */
export async function set(run: Run, staged: Waiting, current: SecretValue): Promise<Ending | undefined> {
  await retireBelow(run, staged, current)
  return applyFenced(run, staged, current)
}

async function applyFenced(run: Run, staged: Waiting, current: SecretValue): Promise<Ending | undefined> {
  return (await apply(run, staged, current)) ? undefined : afterFence(run, staged)
}

async function promote(run: Run, staged: Waiting): Promise<Ending> {
  run.progress.enter('promote')
  try {
    return { isOvertaken: false, current: await promoteSecret(run.secrets, run.name, staged, run.call) }
  } catch (error) {
    if (hasCode(error, 'VERSION_CONFLICT')) return giveWay(run, staged)
    const isLost = hasCode(error, 'UNAVAILABLE', 'DEADLINE_EXCEEDED') // it may have been promoted
    const [current] = isLost ? await Promise.allSettled([readCurrent(run)]) : []
    if (current?.status === 'fulfilled' && hasSameContent(current.value, staged.value))
      return { isOvertaken: false, current: current.value }
    throw error
  }
}

/** What the store says now of a version that was staged. */
interface Standing {
  readonly current: SecretValue
  /** It still waits. */
  readonly isStaged: boolean
  /** Another version of this secret waits: its rotator sees to the target. */
  readonly isFollowed: boolean
  readonly isPromoted: boolean
}

async function standingOf(run: Run, staged: Waiting): Promise<Standing> {
  const pending = await readPending(run)
  const current = await readCurrent(run)
  const isStaged = pending !== undefined && isSameVersion(pending, staged)
  return {
    current,
    isStaged,
    isFollowed: pending !== undefined && !isStaged && otherSecretOf(pending, run) === undefined,
    isPromoted: !isStaged && hasSameContent(current, staged.value),
  }
}

/**
 * The target refused `apply` as too old. A version that still waits is the last attempt, so that
 * somebody was rolling it back: that is finished. Otherwise a later rotator was here.
 */
async function afterFence(run: Run, staged: Waiting): Promise<Ending> {
  const { current, isStaged, isPromoted } = await standingOf(run, staged)
  return isStaged ? rollBack(run, staged) : { isOvertaken: !isPromoted, current }
}

/** Another version became current, or the staged one is gone: the target follows the store. */
export async function giveWay(run: Run, staged: Waiting): Promise<Ending> {
  const { current, isStaged, isFollowed, isPromoted } = await standingOf(run, staged)
  const isSettled = isPromoted || isFollowed || (!isStaged && (await isAccepted(run, current)))
  if (!isSettled) await restore(run, staged, current, isStaged)
  if (!isSettled && isStaged && (await standingOf(run, staged)).isStaged) throw cannotDiscard(run.name)
  return { isOvertaken: !hasSameContent(current, staged.value), current }
}

/** Sets the current value again and discards the staged one. */
async function rollBack(run: Run, staged: Waiting): Promise<Ending> {
  const { current, isStaged } = await standingOf(run, staged)
  if (!isStaged) return giveWay(run, staged)
  if (await restore(run, staged, current, isStaged)) throw rolledBack(run.name)
  return giveWay(run, staged)
}

/**
 * Sets the current value with a higher token, even if the target accepts it: else a late `apply` of
 * the staged value would pass. False: somebody overtook.
 */
async function restore(run: Run, staged: Waiting, current: SecretValue, isStaged: boolean): Promise<boolean> {
  if (isStaged && (await run.barPromotion?.()) === false) return false
  return setAgain(run, staged, current, isStaged)
}

/** Until what is set is current: it may be written meanwhile. */
async function setAgain(run: Run, staged: Waiting, current: SecretValue, isStaged: boolean): Promise<boolean> {
  if (!(await applyAgain(run, staged, current))) {
    if ((await standingOf(run, staged)).isStaged) throw aheadOfStore(run.name)
    return false
  }
  const works = await isAccepted(run, current)
  const now = await readCurrent(run)
  if (!hasSameContent(now, current)) return setAgain(run, staged, now, isStaged)
  if (!works) throw neitherWorks(run.name)
  return isStaged ? discard(run, staged) : true
}

async function discard(run: Run, staged: Waiting): Promise<boolean> {
  run.progress.enter('discard')
  try {
    await discardSecret(run.secrets, run.name, staged, run.call)
    return true
  } catch (error) {
    if (!hasCode(error, 'VERSION_CONFLICT')) throw error
  }
  // Somebody promoted it meanwhile, so that the target must have it after all.
  const current = await readCurrent(run)
  if (!(await isAccepted(run, current)) && (await applyAgain(run, staged, current)) && !(await isAccepted(run, current)))
    throw neitherWorks(run.name)
  return false
}
