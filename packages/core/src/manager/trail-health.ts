import type { AuditTrail, PartHealth, TrailPartHealth } from '../contract/audit.ts'
import type { SinkStatus } from '../contract/status.ts'
import { own } from '../errors/own-properties.ts'

/** What a trail tells of its parts. One of an application may return anything. */
export function partsOfTrail(trail: AuditTrail | undefined): Readonly<Record<string, TrailPartHealth>> | undefined {
  const health: unknown = own(trail, 'health')
  if (typeof health !== 'function') return undefined
  try {
    const parts: unknown = Reflect.apply(health, trail, [])
    return Object.freeze(Object.fromEntries(Object.entries(Object(parts)).map(([name, part]) => [name, partOf(part)])))
  } catch {
    return undefined
  }
}

function partOf(part: unknown): TrailPartHealth {
  return Object.freeze({ ...healthOf(part), ...countsOf(part) })
}

function healthOf(part: unknown): PartHealth {
  const [status, since, problem, remedy] = [own(part, 'status'), own(part, 'since'), own(part, 'problem'), own(part, 'remedy')]
  if (status !== 'failed') return { status: status === 'ok' ? 'ok' : 'unchecked' }
  return {
    status,
    since: typeof since === 'number' ? since : Date.now(),
    problem: typeof problem === 'string' ? problem : 'it failed',
    ...(typeof remedy === 'string' && { remedy }),
  }
}

/** Of a sink: all of them, or none. */
function countsOf(part: unknown): Partial<SinkStatus> {
  const [isRequired, isFailing, refused] = [own(part, 'isRequired'), own(part, 'isFailing'), own(part, 'refused')]
  const isWhole = typeof isRequired === 'boolean' && typeof isFailing === 'boolean' && typeof refused === 'number'
  return isWhole ? { isRequired, isFailing, refused } : {}
}
