// Stands for fast-check in `pnpm unit:properties`: checks each property again and again, for a while.
import * as real from 'fast-check'

export * from 'fast-check'

const times = 30
const longestMs = 30_000
/** Those of the machine: tests put others in their place. */
const [now, random] = [performance.now.bind(performance), Math.random.bind(Math)]

export function assert<Ts>(property: real.IRawProperty<Ts>, parameters: real.Parameters<Ts> = {}): void | Promise<void> {
  const check = (): void | Promise<void> => real.assert(property, { ...parameters, seed: Math.trunc(random() * 2 ** 31) })
  const end = now() + longestMs
  const first = check()
  if (first instanceof Promise) return first.then(() => checkAgain(check, end))
  for (let done = 1; done < times && now() < end; done += 1) void check()
}

async function checkAgain(check: () => void | Promise<void>, end: number): Promise<void> {
  for (let done = 1; done < times && now() < end; done += 1) await check()
}

export default { ...real, assert }
