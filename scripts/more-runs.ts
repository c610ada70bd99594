// Stands for fast-check in `pnpm unit:properties`: many more runs of each property, which end in time.
import * as real from 'fast-check'

export * from 'fast-check'

const usualRuns = 100
const times = 30
const longestMs = 60_000

export function assert<Ts>(
  property: real.IRawProperty<Ts>,
  { numRuns = usualRuns, ...more }: real.Parameters<Ts> = {},
): void | Promise<void> {
  return real.assert(property, { ...more, numRuns: times * numRuns, interruptAfterTimeLimit: longestMs, markInterruptAsFailure: false })
}

export default { ...real, assert }
