import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { ended, start } from '../harness/child.ts'
import { type FaultInjection, Tally } from '../harness/fault-injection.ts'
import { frozenMs, names } from './orders.ts'

export const processFreeze: FaultInjection = {
  name: 'SIGSTOP and SIGCONT',
  promise: 'a call that spanned a freeze is made once more, no store is blamed for it, and nothing held is fresh by mistake',
  run: async () => {
    const tally = new Tally()
    const child = start(join(import.meta.dirname, 'freeze-process.ts'), {})
    let report: unknown
    if (child.stdout) {
      for await (const line of createInterface(child.stdout)) {
        report = JSON.parse(line)
        if (report !== 'frozen') continue
        await sleep(frozenMs)
        child.kill('SIGCONT')
        tally.count('freezes')
      }
    }
    if ((await ended(child)) !== 0) tally.fault('the process failed')
    compare(report, tally)
    return tally
  },
}

/**
 * In the first freeze every call was under way: made again, its second answer counts. After the
 * second all values are too old.
 */
function compare(report: unknown, tally: Tally): void {
  const own = (count: number): object => ({ value: `answer ${count}`, provider: 'store', stale: false, degraded: false })
  const expected = {
    first: names.map(() => own(2)),
    second: names.map(() => own(3)),
    calls: Object.fromEntries(names.map((name) => [name, 3])),
  }
  if (!isDeepStrictEqual(report, expected)) tally.fault(`instead of the expected it reports ${JSON.stringify(report)}`)
  tally.count('calls that spanned a freeze', names.length)
}
