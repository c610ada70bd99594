// What every contender of the group does, each in its own way.
import { join } from 'node:path'
import type { AuditEvent, AuditRecord } from '@finchat/secrets-core'
import { inFlight, timed } from '../harness/measure.ts'
import type { Sample, Task } from '../harness/scenario.ts'

const trail = '0f8fad5b-d9cb-469f-a165-70867728950e'
const start = Date.UTC(2026, 6, 1)

/** A cached read, as core reports it. */
export function eventAt(index: number): AuditEvent {
  const provider = index % 3 === 0 ? 'vault' : 'aws'
  const [name, actor, requestId] = [`prod/service-${index % 97}/password`, `worker-${index % 13}`, `request-${index}`]
  return {
    phase: 'outcome',
    time: start + index,
    operation: 'get',
    name,
    provider,
    version: 3,
    outcome: 'ok',
    from: 'memory',
    actor,
    requestId,
  }
}

/** The same as a trail makes it, members in its order. */
export function recordAt(index: number): AuditRecord {
  const { actor, from, name, operation, outcome, phase, provider, requestId, time, version } = eventAt(index)
  const [host, pid, release, service] = ['web-1', 4711, '1.0.0', 'shop']
  return {
    actor,
    from,
    host,
    name,
    operation,
    outcome,
    phase,
    pid,
    provider,
    release,
    requestId,
    seq: index + 1,
    service,
    time,
    trail,
    v: 1,
    version,
  }
}

/** A file or folder of the stage's folder that belongs to this process alone. */
export function ownPath({ setting }: Task, name: string): string {
  return join(String(setting['folder']), `${process.pid}-${name}`)
}

/** A trail of the stage: the folder, its first key, and how many records it has. */
export interface MadeTrail {
  readonly folder: string
  readonly key: string
  readonly records: number
}

export function madeTrail({ setting }: Task, name: 'busy' | 'quiet'): MadeTrail {
  return JSON.parse(String(setting[name])) as MadeTrail // written by the stage
}

/** Enough that a round measures what goes on for hours, and not how V8 warms up. */
export const manyRecords = 200_000

/** As many of them at once as a busy server has. */
export const width = 1_024

export function manyAtOnce({ scale }: Task, calls: number, call: (index: number) => Promise<unknown>): Promise<Sample> {
  const times = Math.ceil(calls * scale)
  return timed(times, 'µs', () => inFlight(times, width, call))
}

export function oneByOne({ scale }: Task, calls: number, call: (index: number) => Promise<unknown> | void): Promise<Sample> {
  const times = Math.ceil(calls * scale)
  return timed(times, 'µs', async () => {
    for (let each = 0; each < times; each += 1) await call(each)
  })
}
