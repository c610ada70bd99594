/** As far as a `Date` reaches. */
export const latestTime = 8.64e15

/** The time for a row: whole milliseconds within what is read back, whatever the clock says. */
export function timestamp(): number {
  const now = Math.trunc(Date.now())
  return Number.isNaN(now) ? 0 : Math.min(Math.max(now, 0), latestTime)
}
