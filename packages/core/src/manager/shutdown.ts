import { bounded, longestTimerMs } from '../guard/deadline.ts'
import type { AuditTrail } from '../contract/audit.ts'
import type { CallContext, SecretProvider } from '../contract/provider.ts'
import type { SharedCache } from '../contract/shared-cache.ts'
import type { ChainEntry } from '../chain/routing.ts'
import type { SecretsManagerOptions } from './manager-options.ts'
import { type Close, closesOf, endUse } from '../guard/use-count.ts'
import { knownOptions, type MembersOf } from '../options/known-options.ts'
import type { Observer } from '../observe/operation.ts'
import { SecretsError } from '../errors/secrets-error.ts'

export interface CloseOptions {
  /**
   * How long calls that run may take to end; then the outcomes of those given up on; then what they still bring to the shared cache, and changes that were
   * given up on, to be made all the same; then providers, shared cache and audit trail each. 5,000 by default.
   */
  readonly timeoutMs?: number | undefined
}

interface Closable {
  readonly name: string
  readonly close?: ((context: CallContext) => Promise<void>) | undefined
}

export interface ClosingParts {
  readonly observer: Observer
  /** Ends what still runs when the time is up. */
  readonly giveUp: AbortController
  /** Ends what is still brought to the shared cache when the time is up. */
  readonly endFills: AbortController
  /** Ended together, in this order of groups. */
  readonly groups: readonly (readonly Closable[])[]
  /** Wipes what is held. */
  readonly wipe: () => void
}

const closeMembers: MembersOf<CloseOptions> = { timeoutMs: 'number' }

/** Ends the parts once, however often it is called. */
export function closer(parts: ClosingParts): (options?: CloseOptions) => Promise<void> {
  let closed: Promise<void> | undefined
  return async (options = {}) => {
    const known = knownCloseOptions(options)
    return (closed ??= closeAll(parts, known))
  }
}

/** A copy of the options. Throws `INVALID_ARGUMENT` for a time that no timer can hold: it would fire at once. */
function knownCloseOptions(options: CloseOptions): CloseOptions {
  const known = knownOptions(options, closeMembers, 'INVALID_ARGUMENT')
  const { timeoutMs = 0 } = known
  if (timeoutMs >= 0 && timeoutMs <= longestTimerMs) return known
  throw new SecretsError('INVALID_ARGUMENT', `timeoutMs is ${timeoutMs}`, { remedy: `pass milliseconds from 0 to ${longestTimerMs}` })
}

/** Stores before the providers that they ask, and the audit trail, which hears of both, last. What another manager uses stays open. */
export function closingGroups(chainEntries: readonly ChainEntry[], { cache, audit }: SecretsManagerOptions): ClosingParts['groups'] {
  const stores = chainEntries.map(({ provider, store }) => ({ name: provider.name, close: () => store.close() }))
  const last = new Map<Close, boolean>()
  const closable = (name: string, part: SecretProvider | SharedCache | AuditTrail | undefined): Closable => {
    const [original] = closesOf([part])
    if (original === undefined) return { name, close: undefined }
    const close = async (context: CallContext): Promise<void> => {
      const isLast = last.get(original) ?? endUse(original)
      last.set(original, isLast)
      if (isLast) await part?.close?.(context)
    }
    return { name, close }
  }
  return [
    stores,
    [...chainEntries.map(({ provider }) => closable(provider.name, provider)), closable('the shared cache', cache?.shared)],
    [closable('the audit trail', audit)],
  ]
}

/** Refuses calls, waits for those that run, ends the parts, and wipes, whatever fails. Rejects with what could not be ended. */
export async function closeAll(
  { observer, giveUp, endFills, groups, wipe }: ClosingParts,
  { timeoutMs = 5_000 }: CloseOptions,
): Promise<void> {
  const failed: string[] = []
  let ending: NodeJS.Timeout | undefined
  try {
    await atMost(timeoutMs, observer.shut())
    giveUp.abort()
    // What was given up on has yet to be recorded.
    await atMost(timeoutMs, observer.shut())
    // Set before the bounds of the groups, and so due before them: a cache that is not filled is no part that could not be ended.
    ending = setTimeout(() => endFills.abort(), timeoutMs)
    for (const group of groups) failed.push(...(await closeGroup(group, timeoutMs)))
  } finally {
    clearTimeout(ending)
    wipe()
  }
  if (failed.length === 0) return
  throw new SecretsError('UNAVAILABLE', `closed and wiped, but not everything could be ended: ${failed.join(', ')}`, { effect: 'done' })
}

async function closeGroup(group: readonly Closable[], deadlineMs: number): Promise<string[]> {
  const never = new AbortController().signal
  const results = await Promise.allSettled(
    group.map(async ({ close }) => close && bounded((signal) => close({ signal }), { deadlineMs, closing: never })),
  )
  return group.flatMap(({ name }, index) => (results[index]?.status === 'rejected' ? [name] : []))
}

async function atMost(timeoutMs: number, drained: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, timeoutMs)
  await Promise.race([drained, promise])
  clearTimeout(timer)
}
