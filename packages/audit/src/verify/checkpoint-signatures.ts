import { ProblemFound } from './audit-problem.ts'
import type { StartKey } from '../keys/start-key.ts'
import type { Checkpoint, HeldCheckpoints, SegmentCheckpoints } from '../checkpoints/checkpoint-table.ts'
import { type ChainKey, isMac, type KeyBudget } from '../keys/key-chain.ts'

/** The end of a segment: its next group's key, and the first checkpoint beyond it. */
export interface SegmentEnd {
  readonly group: number
  readonly key: ChainKey
  readonly position: number
}

/**
 * The first checkpoint beyond the end that the folder signed. Throws `ProblemFound` if there are
 * only others: an unsigned one proves nothing.
 */
export function checkpointBeyond(checkpoints: SegmentCheckpoints, end: SegmentEnd, budget: KeyBudget): Checkpoint | undefined {
  const search = new Search(budget)
  return search.signedOf(checkpoints, end) ?? search.none()
}

/**
 * As `checkpointBeyond`, for these segments, which an index of `lines` lines does not have. `start`
 * is the key that the verification begins with.
 */
export function checkpointBeyondIndex(
  steps: readonly number[],
  held: HeldCheckpoints,
  start: StartKey,
  lines: number,
  budget: KeyBudget,
): Checkpoint | undefined {
  const search = new Search(budget, lines)
  let [key, reached]: [ChainKey | undefined, number] = [budget.hold(start.key.later(0)), start.step]
  for (const step of steps) {
    const checkpoints = held.get(step)
    key = search.keyAfter(key, step - reached, checkpoints?.at(0))
    if (key === undefined || checkpoints === undefined) break
    const found = search.signedOf(checkpoints, { group: 0, key: budget.hold(budget.hold(key).derived('segment')), position: 0 })
    if (found !== undefined) return found
    reached = step
  }
  return search.none()
}

/** Finds the nearest signed checkpoint. Keys of what is not there come out of the budget. */
class Search {
  readonly #budget: KeyBudget
  #keysOfOurs: number
  /** The first one that was not signed, or is too far away. */
  #problem: ProblemFound | undefined

  constructor(budget: KeyBudget, keysOfOurs = 0) {
    this.#budget = budget
    this.#keysOfOurs = keysOfOurs
  }

  signedOf(checkpoints: SegmentCheckpoints, end: SegmentEnd): Checkpoint | undefined {
    let [key, reached] = [end.key.later(0), end.group]
    try {
      for (let at = end.position, next = checkpoints.at(at); next !== undefined; next = checkpoints.at(++at)) {
        const before = key
        const after = this.keyAfter(before, next.group + 1 - reached, next)
        if (after === undefined) return undefined
        ;[key, reached] = [after, next.group + 1]
        before.wipe()
        if (isSigned(next, key)) return next
        this.#problem ??= notSigned(next)
      }
      return undefined
    } finally {
      key.wipe()
    }
  }

  /** `undefined` if the budget does not suffice. */
  keyAfter(key: ChainKey, steps: number, asking: Checkpoint | undefined): ChainKey | undefined {
    const ofOurs = Math.min(steps, this.#keysOfOurs)
    if (!this.#budget.take(steps - ofOurs)) {
      this.#problem ??= asking && tooFar(asking)
      return undefined
    }
    this.#keysOfOurs -= ofOurs
    return key.later(steps)
  }

  none(): undefined {
    if (this.#problem !== undefined) throw this.#problem
    return undefined
  }
}

/** `key` is that of the group behind the checkpoint's. */
export function isSigned({ signed, mac }: Checkpoint, key: ChainKey): boolean {
  return isMac(key.mac('checkpoint', signed), mac)
}

export function notSigned({ file, line }: Checkpoint): ProblemFound {
  return new ProblemFound({ what: 'edited', file, line, explanation: 'the checkpoint was not signed by this folder' })
}

function tooFar({ file, line }: Checkpoint): ProblemFound {
  const explanation = 'the checkpoint is forged, or the trail lost more than the million keys that verification derives'
  return new ProblemFound({ what: 'edited', file, line, explanation })
}
