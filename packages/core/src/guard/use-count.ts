import type { CallContext } from '../contract/provider.ts'
import { own } from '../errors/own-properties.ts'

/** Identifies a provider, shared cache or audit trail: copies of it have the same. */
export type Close = (context: CallContext) => Promise<void>

/** How many secrets managers use each. */
const uses: WeakMap<Close, number> = new WeakMap()
const originals = new WeakMap<Close, Close>()

/** Registers `close` as a wrapper of `original`. */
export function closesLike(close: Close, original: Close): void {
  originals.set(close, originalOf(original))
}

function originalOf(close: Close): Close {
  return originals.get(close) ?? close
}

/** The `close` functions of these parts, without duplicates. */
export function closesOf(parts: readonly unknown[]): readonly Close[] {
  const closes = parts.map((part) => own(part, 'close')).filter((close): close is Close => typeof close === 'function')
  return [...new Set(closes.map(originalOf))]
}

/** A secrets manager begins to use these. */
export function addUse(closes: readonly Close[]): void {
  for (const close of closes) uses.set(close, (uses.get(close) ?? 0) + 1)
}

const closed = new WeakSet<Close>()

/** A manager that uses it is closed. Returns whether it was the last. */
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
