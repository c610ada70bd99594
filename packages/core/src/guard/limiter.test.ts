import { expect, test } from 'vitest'
import { limiter } from './limiter.ts'

test('no more than so many run at once, those that come late included, and a failure gives its place on', async () => {
  const turns = limiter(2)
  let [running, most] = [0, 0]
  const run = async (fails: boolean): Promise<void> => {
    most = Math.max(most, (running += 1))
    await new Promise((resolve) => setImmediate(resolve))
    running -= 1
    if (fails) throw new Error('refused')
  }
  const wave = (): Promise<PromiseSettledResult<void>[]> => Promise.allSettled([1, 2, 3, 4, 5].map((n) => turns(() => run(n % 2 === 0))))
  const first = wave()
  await new Promise((resolve) => setImmediate(resolve))
  const [early, late] = [await first, await wave()]
  expect([...early, ...late].filter(({ status }) => status === 'rejected')).toHaveLength(4)
  expect([most, running]).toEqual([2, 0])
})
