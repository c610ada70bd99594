import { UsageError } from '../terminal/failure.ts'

const dayMs = 86_400_000

const ageForm = /^([1-9]\d{0,4})d$/
/** A day, or a time with its zone; a time without one would mean another on each machine. */
const timeForm = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/

/** Before now by an age such as `45d`, the begin of a day in UTC, or a time, in epoch milliseconds. */
export function startTime(input: string): number {
  return timeOf(input).at
}

/** As `startTime`, but the end of a day. */
export function endTime(input: string): number {
  const { at, isDay } = timeOf(input)
  return isDay ? at + dayMs : at
}

/** As `startTime`. Throws `UsageError` for a time to come, too. */
export function pastTime(input: string): number {
  const at = startTime(input)
  if (at <= Date.now()) return at
  throw new UsageError('it is not in the past', 'give an age such as 400d, or a day that is over')
}

function timeOf(input: string): { readonly at: number; readonly isDay: boolean } {
  const [, days] = ageForm.exec(input) ?? []
  if (days !== undefined) return { at: Date.now() - Number(days) * dayMs, isDay: false }
  const [, day = '', time] = timeForm.exec(input) ?? []
  const [at, begin] = [Date.parse(input), Date.parse(day)]
  // Date.parse takes February 30 for a day of March.
  if (!Number.isNaN(at) && !Number.isNaN(begin) && new Date(begin).toISOString().startsWith(day)) return { at, isDay: time === undefined }
  throw new UsageError(
    'it is no time',
    'write an age such as 45d, a day such as 2026-11-01, or a time with its zone such as 2026-11-01T08:30:00Z',
  )
}
