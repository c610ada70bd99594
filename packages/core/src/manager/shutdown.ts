import { bounded, longestTimerMs } from '../guard/deadline.ts'
import type { AuditTrail } from '../contract/audit.ts'
import type { CallContext, SecretProvider } from '../contract/provider.ts'
import type { SharedCache } from '../contract/shared-cache.ts'
import type { ChainEntry } from '../chain/routing.ts'
import type { SecretsManagerOptions } from './manager-options.ts'
import { addUse, type Close, closesOf, endUse } from '../guard/use-count.ts'
import { knownOptions, type MembersOf } from '../options/known-options.ts'
import type { Observer } from '../observe/operation.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** Options of `close`. */
export interface CloseOptions {
  /**
   * How long each step may take, in milliseconds. Default: 5,000. The steps: running calls; the
   * outcomes of calls that were given up; fills, late changes and pending invalidations; providers
   * and shared cache; the audit trail.
   */
  readonly timeoutMs?: number | undefined
}

interface Closable {
  readonly name: string
  readonly close?: ((context: CallContext) => Promise<void>) | undefined
}

export interface ClosingParts {
  readonly observer: Observer
  readonly giveUp: AbortController
  readonly endFills: AbortController
  /** Closed one group after the other. */
  readonly groups: readonly (readonly Closable[])[]
  readonly wipe: () => void
}

const usualMs = 5_000

const closeMembers: MembersOf<CloseOptions> = { timeoutMs: 'number' }

export function closer(parts: ClosingParts): (options?: CloseOptions) => Promise<void> {
  let closed: Promise<void> | undefined
  return async (options = {}) => {
    const known = knownCloseOptions(options)
    return (closed ??= closeAll(parts, known))
  }
}

/** Throws `INVALID_ARGUMENT` for a time that no timer can hold: it would fire at once. */
function knownCloseOptions(options: CloseOptions): CloseOptions {
  const known = knownOptions(options, closeMembers, 'INVALID_ARGUMENT')
  const { timeoutMs = 0 } = known
  if (timeoutMs >= 0 && timeoutMs <= longestTimerMs) return known
  throw new SecretsError('INVALID_ARGUMENT', `timeoutMs is ${timeoutMs}`, { remedy: `pass milliseconds from 0 to ${longestTimerMs}` })
}

/** Caches close before their providers, and the audit trail last, since it records both. */
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

/** Closes a trail that was made for a manager that cannot be, unless another manager uses it. */
export function closeUnused(trail: AuditTrail | undefined): void {
  const closes = closesOf([trail])
  addUse(closes)
  const group = closes
    .filter(endUse)
    .map(() => ({ name: 'the audit trail', close: async (context: CallContext) => trail?.close?.(context) }))
  void closeGroup(group, usualMs)
}

/** Closes and wipes everything, whatever fails. Rejects with the names of what did not end. */
export async function closeAll(
  { observer, giveUp, endFills, groups, wipe }: ClosingParts,
  { timeoutMs = usualMs }: CloseOptions,
): Promise<void> {
  const failed: string[] = []
  let ending: NodeJS.Timeout | undefined
  try {
    await atMost(timeoutMs, observer.shut())
    giveUp.abort()
    // Calls that were given up still have to record their outcome.
    await atMost(timeoutMs, observer.shut())
    // Due before the deadlines of the groups, since an unfinished fill is no failure to close.
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
