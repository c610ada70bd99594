import { ProblemFound } from './audit-problem.ts'
import type { Checkpoint, SegmentCheckpoints } from './checkpoint-table.ts'
import { type ChainKey, isMac, type KeyBudget } from '../format/key-chain.ts'

/** How far a segment goes: the key of the group that would come next, and the first checkpoint that speaks of what comes behind. */
export interface SegmentEnd {
  readonly group: number
  readonly key: ChainKey
  readonly position: number
}

/**
 * The checkpoint of groups that are not there, signed by the folder, if there is one: nothing that it says counts before. Throws `ProblemFound` if there are only others.
 */
export function checkpointBeyond(checkpoints: SegmentCheckpoints, end: SegmentEnd, budget: KeyBudget): Checkpoint | undefined {
  const search = new Search(budget)
  return search.signedOf(checkpoints, end) ?? search.none()
}

/** The same of segments that an index does not have which has so many lines and begins with this key. */
export function checkpointBeyondIndex(
  segments: ReadonlyMap<number, SegmentCheckpoints>,
  first: ChainKey,
  lines: number,
  budget: KeyBudget,
): Checkpoint | undefined {
  const search = new Search(budget, lines)
  let [key, reached]: [ChainKey | undefined, number] = [budget.hold(first.later(0)), 0]
  for (const [step, checkpoints] of [...segments].toSorted(([one], [other]) => one - other)) {
    key = search.keyAfter(key, step - reached, checkpoints.at(0))
    if (key === undefined) break
    const found = search.signedOf(checkpoints, { group: 0, key: budget.hold(budget.hold(key).derived('segment')), position: 0 })
    if (found !== undefined) return found
    reached = step
  }
  return search.none()
}

/**
 * Looks for a checkpoint that was signed, the nearest first; keys of what is not there are taken
 * from the budget.
 */
class Search {
  readonly #budget: KeyBudget
  #keysOfOurs: number
  /** Of the first one that was not signed, or is too far. */
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

  /** The key so many steps further, which this checkpoint asks for. */
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

/** Under this key, of the group behind the one that it names. */
export function isSigned({ signed, mac }: Checkpoint, key: ChainKey): boolean {
  return isMac(key.mac('checkpoint', signed), mac)
}

export function notSigned({ file, line }: Checkpoint): ProblemFound {
  return new ProblemFound({ what: 'edited', file, line, explanation: 'the checkpoint was not signed by this folder' })
}

function tooFar({ file, line }: Checkpoint): ProblemFound {
  const explanation = 'the checkpoint is forged, or more is missing behind the end of the trail than the million keys that are made to tell'
  return new ProblemFound({ what: 'edited', file, line, explanation })
}
