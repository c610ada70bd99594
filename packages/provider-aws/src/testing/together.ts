import { setTimeout as sleep } from 'node:timers/promises'

/** Time for one too many to arrive, if nothing holds it back. */
const graceMs = 50

/** Holds callers until there are so many, then releases them all, however fast each is. */
export function together(size: number): { readonly turn: () => Promise<void>; readonly most: () => number } {
  let [waiting, most] = [0, 0]
  let all = Promise.withResolvers<void>()
  const turn = async (): Promise<void> => {
    const { promise, resolve } = all
    most = Math.max(most, (waiting += 1))
    if (waiting === size) {
      await sleep(graceMs)
      waiting = 0
      all = Promise.withResolvers<void>()
      resolve()
    }
    return promise
  }
  return { turn, most: () => most }
}
