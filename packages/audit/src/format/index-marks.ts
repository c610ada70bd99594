import { isCount } from './segment-format.ts'

/**
 * What a line of the index says of segments that were removed for their age: all whose end a line
 * before this one recorded earlier than `endedBefore`, but those in `except`. A line is as late as
 * every line above it, so that whoever takes over the host cannot date new records back.
 */
export interface PruneMark {
  readonly endedBefore: number
  /** Damaged or gone when the others were removed: they stay problems. */
  readonly except: readonly number[]
  readonly reason: string
  readonly segments: number
  readonly records: number
  /** The hash over the removed segments and their hashes, in order; base64url. */
  readonly seals: string
  /** Ed25519 over `signedPrune`, base64url. */
  readonly signature?: string | undefined
}

/** A legal hold begins, or ends. */
export interface HoldMark {
  readonly isHeld: boolean
  readonly reason: string
}

export function isPruneMark(value: unknown): value is PruneMark {
  if (typeof value !== 'object' || value === null) return false
  const { endedBefore, except, reason, segments, records, seals, signature = '' } = value as Partial<Record<keyof PruneMark, unknown>> // each is looked at
  const areTexts = [reason, seals, signature].every((text) => typeof text === 'string')
  return areTexts && [endedBefore, segments, records].every(isCount) && Array.isArray(except) && except.every(isCount)
}

export function isHoldMark(hold: unknown): hold is HoldMark {
  if (typeof hold !== 'object' || hold === null) return false
  const { isHeld, reason } = hold as Partial<Record<keyof HoldMark, unknown>> // each is looked at
  return typeof isHeld === 'boolean' && typeof reason === 'string'
}
