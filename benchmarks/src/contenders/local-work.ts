// What every contender of the group does, each in its own way.
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { timed } from '../harness/measure.ts'
import type { Sample, Task } from '../harness/scenario.ts'

export const pathAt = (index: number): string => `app/service-${index % 97}/secret-${index}`
/** 64 bytes. */
export const valueAt = (index: number): string => `${index}`.padEnd(64, '.')

/** A file of the stage's folder that belongs to this process alone. */
export function ownFile({ setting }: Task, name: string): string {
  return join(String(setting['folder']), `${process.pid}-${name}`)
}

/** A copy of the store of so many secrets. */
export function ownStore(task: Task, size: number): string {
  const file = ownFile(task, 'store.db')
  copyFileSync(join(String(task.setting['folder']), `${size}.db`), file)
  return file
}

/** Secrets here and there among so many. */
export function spread({ scale }: Task, calls: number, size: number, call: (index: number) => Promise<unknown> | void): Promise<Sample> {
  const [times, count] = [Math.ceil(calls * scale), Math.ceil(size * scale)]
  return timed(times, 'µs', async () => {
    for (let each = 0; each < times; each += 1) await call((each * 7_919) % count)
  })
}

/** What a store of that size does, in one sample. */
export async function allThree(
  task: Task,
  size: number,
  calls: {
    readonly open: () => Promise<void> | void
    readonly get: (index: number) => Promise<void> | void
    readonly put: (index: number) => Promise<unknown> | void
  },
): Promise<Sample> {
  const open = await timed(1, 'ms', calls.open)
  const get = await spread(task, 3_000, size, calls.get)
  const put = await spread(task, 200, size, calls.put)
  return { open: Number(open['time']), get: Number(get['cpu']), put: Number(put['cpu']) }
}
