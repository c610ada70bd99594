export type Turn = <T>(work: () => Promise<T>) => Promise<T>

/** Runs what it is given one after another, in the order in which it was asked. */
export function inTurn(): Turn {
  let last: Promise<unknown> = Promise.resolve()
  return async (work) => {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }
}
