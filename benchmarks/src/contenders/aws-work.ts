// What every contender of the group does, each in its own way.
import { timed } from '../harness/measure.ts'
import type { Sample, Task } from '../harness/scenario.ts'

export const region = 'eu-west-1'
export const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI' }
export const secretNames: readonly string[] = Array.from({ length: 100 }, (_, index) => `app/secret-${index}`)
export const widthOfReads = 64

/** Ten preloads, one after another. */
export function preloads({ scale }: Task, preload: () => Promise<unknown>): Promise<Sample> {
  const times = Math.ceil(10 * scale)
  return timed(times, 'ms', async () => {
    for (let each = 0; each < times; each += 1) await preload()
  })
}

export function singleReads({ scale }: Task, read: () => Promise<unknown>): Promise<Sample> {
  const calls = Math.ceil(600 * scale)
  return timed(calls, 'µs', async () => {
    for (let each = 0; each < calls; each += 1) await read()
  })
}
