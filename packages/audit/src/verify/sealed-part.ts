import { type ChainKey, isMac } from '../format/key-chain.ts'
import type { Seal } from '../format/segment-format.ts'

/** A group that is proven, and where its lines stand among those that are before the seal. */
export interface Sealed {
  readonly lines: readonly Buffer[]
  readonly bytes: Buffer
  readonly at: number
}

/** Which of these lines the seal fits: somebody may have put others before or behind them. */
export function sealedPart(key: ChainKey, seal: Seal, lines: readonly Buffer[]): Sealed | undefined {
  const count = linesUnder(seal)
  for (let at = lines.length - count; at >= 0; at--) {
    const sealed = at === 0 && count === lines.length ? lines : lines.slice(at, at + count)
    const bytes = Buffer.concat(sealed)
    if (isMac(key.mac('seal', bytes, seal.signed), seal.mac)) return { lines: sealed, bytes, at }
  }
  return undefined
}

/** Whether the seal fits the last of these lines. */
export function isSealed(key: ChainKey, seal: Seal, lines: readonly Buffer[]): boolean {
  const sealed = lines.slice(Math.max(0, lines.length - linesUnder(seal)))
  return isMac(key.mac('seal', ...sealed, seal.signed), seal.mac)
}

/** In the first group the header too. */
function linesUnder({ group, records }: Seal): number {
  return records + (group === 0 ? 1 : 0)
}
