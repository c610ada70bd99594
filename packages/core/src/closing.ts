import { bounded } from './bounded.ts'
import type { AuditTrail, CallContext, SharedCache } from './contract.ts'
import { knownOptions, type MembersOf } from './known-options.ts'
import type { Link } from './link.ts'
import { longestTimerMs, type SecretsManagerOptions } from './manager-options.ts'
import type { Observer } from './observer.ts'
import { own } from './own-members.ts'
import { SecretsError } from './secrets-error.ts'

export interface CloseOptions {
  /** How long calls that run may take to end, then what they still bring to the shared cache, and then providers, shared cache and audit trail each. 5,000 by default. */
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

/** A copy of the options. Throws `INVALID_ARGUMENT` for a time that no timer can hold: it would fire at once. */
export function knownCloseOptions(options: CloseOptions): CloseOptions {
  const known = knownOptions(options, closeMembers, 'INVALID_ARGUMENT')
  const { timeoutMs = 0 } = known
  if (timeoutMs >= 0 && timeoutMs <= longestTimerMs) return known
  throw new SecretsError('INVALID_ARGUMENT', `timeoutMs is ${timeoutMs}`, { remedy: `pass milliseconds from 0 to ${longestTimerMs}` })
}

/** Stores before the providers that they ask, and the audit trail, which hears of both, last. */
export function closingGroups(links: readonly Link[], { cache, audit }: SecretsManagerOptions): ClosingParts['groups'] {
  const stores = links.map(({ provider, store }) => ({ name: provider.name, close: () => store.close() }))
  const providers = links.map(({ provider }) => ({ name: provider.name, close: provider.close }))
  return [
    stores,
    [...providers, { name: 'the shared cache', close: closeOf(cache?.shared) }],
    [{ name: 'the audit trail', close: closeOf(audit) }],
  ]
}

/** Not what every object seems to have. */
function closeOf(part: SharedCache | AuditTrail | undefined): Closable['close'] {
  return own(part, 'close') === undefined ? undefined : part?.close
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
