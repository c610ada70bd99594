// One of the processes that `pnpm mutate` starts: a mutant may never end, and then it is killed
// with its process.
import { testRuns } from './test-runs.ts'
import type { Answer, Order } from './mutant-pool.ts'

const runs = await testRuns(process.argv.slice(2))

process.on('message', (order: Order) => void obey(order).then((answer) => process.send?.(answer)))
process.send?.({ ready: true } satisfies Answer)

async function obey(order: Order): Promise<Answer> {
  if ('cover' in order) return { coverage: await runs.cover(order.cover) }
  for (const selection of order.phases) if (!(await runs.pass(order.mutant, selection))) return { survived: false }
  return { survived: true }
}
