import { setTimeout as sleep } from 'node:timers/promises'

/** Long enough for one too many to come too, where nobody keeps it back. */
const graceMs = 50

/** Holds those who come until there are so many, then lets all of them go: how many come at once does not depend on how fast each is. */
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
