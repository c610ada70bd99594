// What every contender of the group does, each in its own way.
import { inFlight, timed } from '../harness/measure.ts'
import type { Sample, Task } from '../harness/scenario.ts'

export const region = 'eu-west-1'
export const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI' }
export const secretNames: readonly string[] = Array.from({ length: 100 }, (_, index) => `app/secret-${index}`)

/** Ten preloads, one after another. */
export function preloads({ scale }: Task, preload: () => Promise<unknown>): Promise<Sample> {
  const times = Math.ceil(10 * scale)
  return timed(times, 'ms', async () => {
    for (let each = 0; each < times; each += 1) await preload()
  })
}

/**
 * More than are read at any time, so that no two reads of one secret meet: ours would join them.
 */
const crowdNames: readonly string[] = Array.from({ length: 512 }, (_, index) => `app/crowd-${index}`)

/** 64 reads at any time. */
export function crowd({ scale }: Task, read: (name: string) => Promise<unknown>): Promise<Sample> {
  const calls = Math.ceil(2_000 * scale)
  return timed(calls, 'µs', () => inFlight(calls, 64, (index) => read(crowdNames[index % crowdNames.length] ?? '')))
}

export function singleReads({ scale }: Task, read: () => Promise<unknown>): Promise<Sample> {
  const calls = Math.ceil(600 * scale)
  return timed(calls, 'µs', async () => {
    for (let each = 0; each < calls; each += 1) await read()
  })
}
