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
  /** The reason of the hold that an end ends. Absent in those of earlier releases, which ended all. */
  readonly ends?: string | undefined
}

/** Names of persons were erased: nothing opens these pseudonyms in any record. */
export interface ErasureMark {
  readonly pseudonyms: readonly string[]
  readonly reason: string
}

/** The trail goes on in another folder: no later line of this index opens a segment. */
export interface SuccessorMark {
  /** The id of that folder, whose first key derives from the key of this line's epoch. */
  readonly folder: string
  /** Its name, in the first folder of the trail. */
  readonly name: string
}

/** The first line names them all, and must not become too long. */
export const mostPredecessors = 400

/** A folder that came before, in the first line of an index. */
export interface Predecessor {
  readonly folder: string
  /** Empty for the first folder of the trail, which holds the others. */
  readonly name: string
  /** The epoch at which it was left. */
  readonly step: number
}

/** A day, and a number if the trail was rotated several times on it. */
const successorName = /^\d{4}-\d\d-\d\d(-[1-9]\d{0,5})?$/

/** Whether a folder within the first one may be of the same trail. */
export function isSuccessorName(name: string): boolean {
  return successorName.test(name)
}

/** Of names in the first folder, those that may follow it, by age. */
export function successorsIn(names: readonly string[]): readonly string[] {
  return names.filter(isSuccessorName).toSorted(byAge)
}

/** `2026-12-01-10` is younger than `2026-12-01-9`. */
function byAge(one: string, other: string): number {
  const [oneDay, otherDay] = [one.slice(0, dayLength), other.slice(0, dayLength)]
  if (oneDay !== otherDay) return oneDay < otherDay ? -1 : 1
  return Number(one.slice(dayLength + 1)) - Number(other.slice(dayLength + 1))
}

const dayLength = '2026-12-01'.length

export function isSuccessorMark(value: unknown): value is SuccessorMark {
  if (typeof value !== 'object' || value === null) return false
  const { folder, name } = value as Partial<Record<keyof SuccessorMark, unknown>> // each is looked at
  return typeof folder === 'string' && typeof name === 'string' && isSuccessorName(name)
}

export function arePredecessors(value: unknown): value is readonly Predecessor[] {
  return Array.isArray(value) && value.length > 0 && value.every(isPredecessor)
}

function isPredecessor(value: unknown): value is Predecessor {
  if (typeof value !== 'object' || value === null) return false
  const { folder, name, step } = value as Partial<Record<keyof Predecessor, unknown>> // each is looked at
  return typeof folder === 'string' && typeof name === 'string' && (name === '' || isSuccessorName(name)) && isCount(step)
}

export function isPruneMark(value: unknown): value is PruneMark {
  if (typeof value !== 'object' || value === null) return false
  const { endedBefore, except, reason, segments, records, seals, signature = '' } = value as Partial<Record<keyof PruneMark, unknown>> // each is looked at
  const areTexts = [reason, seals, signature].every((text) => typeof text === 'string')
  return areTexts && [endedBefore, segments, records].every(isCount) && Array.isArray(except) && except.every(isCount)
}

export function isErasureMark(erased: unknown): erased is ErasureMark {
  if (typeof erased !== 'object' || erased === null) return false
  const { pseudonyms, reason } = erased as Partial<Record<keyof ErasureMark, unknown>> // each is looked at
  return Array.isArray(pseudonyms) && pseudonyms.every((each) => typeof each === 'string') && typeof reason === 'string'
}

export function isHoldMark(hold: unknown): hold is HoldMark {
  if (typeof hold !== 'object' || hold === null) return false
  const { isHeld, reason, ends = '' } = hold as Partial<Record<keyof HoldMark, unknown>> // each is looked at
  return typeof isHeld === 'boolean' && typeof reason === 'string' && typeof ends === 'string'
}
