/** Beyond this a timer should have ended the call long ago: the process was frozen, or its clock was set. */
const gapMs = 1_000

/** Returns whether a call that begins now, and is ended by its deadline, has spanned a gap of the wall clock. */
export function clockGap(deadlineMs: number): () => boolean {
  const startedAt = Date.now()
  return () => {
    const elapsed = Date.now() - startedAt
    return elapsed > deadlineMs + gapMs || elapsed < -gapMs
  }
}
