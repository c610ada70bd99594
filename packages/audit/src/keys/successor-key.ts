import { type ChainKey, folderIdOf } from './key-chain.ts'
import type { StartKey } from './start-key.ts'

/** A folder of a trail that was left for the next one at an epoch. */
interface LeftFolder {
  readonly folder: string
  readonly step: number
}

/** Limits the work of a forged number: some four seconds, for each folder. */
const mostSteps = 10_000_000

/**
 * The first key of the folder with this id, which follows those, by the key of one of them; for the
 * caller to overwrite. `undefined` if it is of none of them, or begins behind the epoch that left it.
 */
export function keyOfSuccessor(start: StartKey, follows: readonly LeftFolder[], id: string): StartKey | undefined {
  const at = follows.findIndex(({ folder }) => folder === start.folder)
  const chain = at === -1 ? [] : follows.slice(at)
  let [key, step]: [ChainKey, number] = [start.key.later(0), start.step]
  for (const left of chain) {
    if (left.step < step || left.step - step > mostSteps) break
    for (; step < left.step; step++) key.advance()
    const first = key.derived('successor')
    key.wipe()
    ;[key, step] = [first, 0]
  }
  if (chain.length > 0 && step === 0 && folderIdOf(key) === id) return { key, step: 0, folder: id }
  key.wipe()
  return undefined
}
