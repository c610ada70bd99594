import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { startValkey } from '@finchat/secrets-test-servers'
import type { ChildOptions, ChildResult } from './child.ts'
import { RealStore } from './real-store.ts'
import { short, type ShortFleet, type ShortRun } from './short-timeline.ts'

const encryptionKey = '0123456789abcdef'.repeat(4)
/** So many start at once: more would time out on two cores. */
const startTogether = 4

/** Runs a process of its own for each of the fleet, over a real Valkey. */
export async function runFleet({ processes, secrets, hasSharedCache }: ShortFleet): Promise<ShortRun> {
  const [store, valkey] = [new RealStore(), await startValkey()]
  const children: ChildProcess[] = []
  try {
    const options = { storePort: await store.start(), cacheUrl: hasSharedCache ? valkey.url : undefined, encryptionKey, secrets }
    while (children.length < processes) children.push(...(await started(Math.min(startTogether, processes - children.length), options)))
    store.begin()
    children.forEach((child, index) => setTimeout(() => child.send('begin'), (index / processes) * short.startsWithin * 1000))
    await sleep(short.end * 1000)
    const results = await Promise.all(children.map(endOf))
    const total = (count: (result: ChildResult) => number): number => results.reduce((sum, result) => sum + count(result), 0)
    return { calls: store.calls, failedReads: total((each) => each.failedReads), unavailable: total((each) => each.unavailable) }
  } finally {
    for (const child of children) child.kill('SIGKILL')
    store.stop()
    await valkey.stop()
  }
}

function started(count: number, options: ChildOptions): Promise<ChildProcess[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const execArgv = ['--conditions=@finchat/source', '--disable-warning=FINCHAT_SECRETS_DEGRADED']
      const child = fork(new URL('child.ts', import.meta.url), [JSON.stringify(options)], { execArgv })
      await once(child, 'message')
      return child
    }),
  )
}

async function endOf(child: ChildProcess): Promise<ChildResult> {
  child.send('end')
  const [result] = (await once(child, 'message')) as [ChildResult] // which it sends
  return result
}
