import type { WriteReceipt } from '@finchat/secrets-core'
import { matchesReceipt } from '@finchat/secrets-core/provider'
import { type History, holderOf, type LabelledVersion } from '../model/history.ts'
import { claimLabel, isInUse, madeNumberOf, pending, stagedNumberOf } from '../model/labels.ts'
import { conflict } from './plan.ts'

/** The pending version that a receipt names. */
export interface Waiting {
  readonly history: History
  readonly waiting: LabelledVersion
  readonly number: number
}

export function waitingOf(history: History | undefined, receipt: WriteReceipt): Waiting | undefined {
  const waiting = history?.pending
  const number = waiting && stagedNumberOf(waiting.labels)
  if (history === undefined || waiting === undefined || number === undefined) return undefined
  return matchesReceipt(receipt, { revision: waiting.revision, version: number }) ? { history, waiting, number } : undefined
}

/** AWSCURRENT moves only from the version that it was to follow. */
export function isOvertaken({ history: { current: now }, number }: Pick<Waiting, 'history' | 'number'>): boolean {
  return now !== undefined && !(now.version !== undefined && now.version < number)
}

/**
 * The staged version of this receipt, if it waits no more and can never become current. A view that
 * is behind proves that too: by a newer current version, or a claim that blocks the promotion.
 */
export function discardedOf(history: History | undefined, receipt: WriteReceipt): LabelledVersion | undefined {
  return history?.versions.find(({ revision, labels }) => {
    const number = stagedNumberOf(labels)
    if (number === undefined || !matchesReceipt(receipt, { revision, version: number })) return false
    if (isInUse(labels) || labels.includes(pending) || madeNumberOf(labels) !== undefined) return false
    const claimed = holderOf(history, claimLabel(number))
    return isOvertaken({ history, number }) || (claimed !== undefined && claimed.revision !== revision)
  })
}

export function notPending(history: History | undefined): Error {
  const number = history?.pending && stagedNumberOf(history.pending.labels)
  if (number === undefined) return conflict('no version is pending')
  return conflict(`the pending version is ${number}`, 'pass the receipt that staging.put or staging.get returned')
}
