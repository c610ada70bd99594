import { type DescribedSecret, SecretsError } from '@finchat/secrets-core'
import { dueTime, type RotationSchedule } from './rotation-policy.ts'

/** When one version is due. Epoch milliseconds. */
export interface DueTimes {
  /** Since when it is current, by the store's time; the earliest where it has only that. */
  readonly currentSince: number
  readonly dueAt: number
  readonly overdueAt: number
}

/** Throws `UNSUPPORTED` where the store has no time, and `UNAVAILABLE` for a fallback's answer. */
export function dueTimesOf(schedule: RotationSchedule, name: string, described: DescribedSecret): DueTimes {
  if (described.degraded) throw notAsked(name)
  const currentSince = described.currentSince ?? described.currentNotBefore
  if (currentSince !== undefined)
    return { currentSince, dueAt: dueTime(schedule, name, currentSince), overdueAt: currentSince + schedule.everyMs }
  throw new SecretsError('UNSUPPORTED', 'the store does not tell since when the version is current', {
    secret: name,
    remedy: 'rotate it once with `rotate`, or keep it in a store that tells',
  })
}

export function dueStatus({ dueAt, overdueAt }: DueTimes, now: number): 'ok' | 'due' | 'overdue' {
  if (now >= overdueAt) return 'overdue'
  return now >= dueAt ? 'due' : 'ok'
}

function notAsked(secret: string): SecretsError {
  return new SecretsError('UNAVAILABLE', 'the store of the secret cannot be asked since when the version is current', {
    secret,
    remedy: 'see why an earlier provider does not answer',
  })
}
