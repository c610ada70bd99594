import type { CallContext } from '../contract/provider.ts'
import { own } from '../errors/own-properties.ts'

/** Identifies a provider, shared cache or audit trail: its copies share the function. */
export type Close = (context: CallContext) => Promise<void>

const uses: WeakMap<Close, number> = new WeakMap()
const originals = new WeakMap<Close, Close>()

export function closesLike(close: Close, original: Close): void {
  originals.set(close, originalOf(original))
}

function originalOf(close: Close): Close {
  return originals.get(close) ?? close
}

export function closesOf(parts: readonly unknown[]): readonly Close[] {
  const closes = parts.map((part) => own(part, 'close')).filter((close): close is Close => typeof close === 'function')
  return [...new Set(closes.map(originalOf))]
}

export function addUse(closes: readonly Close[]): void {
  for (const close of closes) uses.set(close, (uses.get(close) ?? 0) + 1)
}

const closed = new WeakSet<Close>()

/** Returns whether this was the last manager that used it. */
export function endUse(close: Close): boolean {
  const left = (uses.get(close) ?? 1) - 1
  uses.set(close, left)
  if (left === 0) closed.add(close)
  return left === 0
}

export function wasClosed(part: unknown): boolean {
  return closesOf([part]).some((close) => closed.has(close))
}
