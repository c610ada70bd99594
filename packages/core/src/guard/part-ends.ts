import { type Close, closesOf, uses } from './use-count.ts'

const closed = new WeakSet<Close>()

/** A secrets manager that uses it is closed. Returns whether it was the last. */
export function endUse(close: Close): boolean {
  const left = (uses.get(close) ?? 1) - 1
  uses.set(close, left)
  if (left === 0) closed.add(close)
  return left === 0
}

/** Whether the part was closed with the last secrets manager that used it. */
export function wasClosed(part: unknown): boolean {
  return closesOf([part]).some((close) => closed.has(close))
}
