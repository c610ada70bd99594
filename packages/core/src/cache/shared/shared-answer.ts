import type { LeaseToken, SharedKey } from '../../contract/shared-cache.ts'
import type { StoredSecret } from '../../contract/provider.ts'
import { own } from '../../errors/own-properties.ts'
import { storedSecretOf } from '../../guard/check-answer.ts'
import { earlier, type Moment, presentMoment } from '../../value/moment.ts'
import type { Changes } from './invalidations.ts'

export interface SharedAnswer {
  /** It may be served; `askedAt`: when its store was asked, by the clock of that process. */
  readonly hit: { readonly secret: StoredSecret; readonly askedAt: number; readonly givenAt: Moment } | undefined
  /** What it holds, even if that may not be served. */
  readonly holds: unknown
  /** There is a gap to fill, with this token. */
  readonly leaseToken: LeaseToken | undefined
  /** Undefined if it could not be asked. */
  readonly changes: Changes | undefined
  /** A reader with a value need not ask. */
  readonly wait: boolean
  /** It was unreachable or must not be asked, so it says nothing about memory. */
  readonly isUnavailable: true | undefined
}

/** Own members, so that a polluted prototype does not show through. */
export const emptyAnswer: SharedAnswer = {
  hit: undefined,
  holds: undefined,
  leaseToken: undefined,
  changes: undefined,
  wait: false,
  isUnavailable: undefined,
}
export const unavailable: SharedAnswer = { ...emptyAnswer, isUnavailable: true }

/** Clocks of two hosts may differ by so much. */
const clockToleranceMs = 5_000

interface Bounds {
  readonly version: SharedKey['version']
  /** When the shared cache was asked. */
  readonly now: number
  readonly lifeMs: number
  /** Answers of the store to earlier requests are known to be old. */
  readonly seenUntil: number
}

/** An entry must not outlive those filled here. */
export function checkedSharedAnswer(answer: unknown, { version, now, lifeMs, seenUntil }: Bounds): SharedAnswer {
  const [hit, until] = [own(answer, 'hit'), own(answer, 'until')]
  const holds = storedSecretOf(hit) ?? hit
  if (holds === undefined && own(answer, 'unavailable') === true) return unavailable
  const changes = changesOf(answer)
  if (holds === undefined) return { ...emptyAnswer, changes, leaseToken: leaseTokenOf(answer), wait: own(answer, 'wait') === true }
  const saidAt = askedAtOf(answer)
  // A clock that is ahead would make it later than every known change.
  if (saidAt !== undefined && saidAt > Date.now() + clockToleranceMs) return { ...emptyAnswer, changes }
  const askedAt = Math.min(saidAt ?? Number(until) - lifeMs, now)
  // That it differs from what the store has now is no news.
  if (askedAt < seenUntil) return { ...emptyAnswer, changes }
  const isOver = !(typeof until === 'number' && until > Date.now() && askedAt + lifeMs > Date.now())
  if (isOver || !isShareable(holds, version)) return { ...emptyAnswer, changes, holds }
  // The server keeps an entry no longer than this, whatever its writer's clock shows.
  const givenAt = earlier(presentMoment(), Math.max(lifeMs, until - askedAt))
  return { ...emptyAnswer, changes, holds, hit: { secret: holds, askedAt, givenAt } }
}

/** The token is opaque to core and goes back unchanged. */
function leaseTokenOf(answer: unknown): LeaseToken | undefined {
  const leaseToken = own(answer, 'leaseToken')
  return isObject(leaseToken) ? (leaseToken as LeaseToken) : undefined
}

function askedAtOf(answer: unknown): number | undefined {
  const askedAt = own(answer, 'askedAt')
  return isDuration(askedAt) ? askedAt : undefined
}

function changesOf(answer: unknown): Changes {
  const [invalidatedAt, leastVersion] = [own(answer, 'invalidatedAt'), own(answer, 'leastVersion')]
  return {
    invalidatedAt: isDuration(invalidatedAt) ? invalidatedAt : undefined,
    leastVersion: isDuration(leastVersion) ? leastVersion : 0,
  }
}

export function isDuration(number: unknown): number is number {
  return typeof number === 'number' && number >= 0 && number < Infinity
}

function isShareable(hit: unknown, version: SharedKey['version']): hit is StoredSecret {
  const secret = storedSecretOf(hit)
  if (secret === undefined || secret.exclusive) return false
  return (typeof version !== 'number' || secret.version === version) && (secret.expiresAt ?? Infinity) > Date.now()
}

function isObject(answer: unknown): answer is Readonly<Record<string, unknown>> {
  return typeof answer === 'object' && answer !== null
}
