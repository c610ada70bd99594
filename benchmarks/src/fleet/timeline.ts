/** A part of the simulation, in seconds from its start. */
export interface Phase {
  readonly name: string
  readonly title: string
  readonly from: number
  readonly to: number
}

/** Processes start one after another within these seconds. */
export const startsWithin = 10
/** Each process reads each of its secrets once in these seconds. */
export const readEvery = 10

export const phases: readonly Phase[] = [
  { name: 'deploy', title: 'deploy', from: 0, to: 60 },
  { name: 'steady', title: 'steady state', from: 60, to: 1200 },
  { name: 'outage', title: 'the store is down', from: 1200, to: 1500 },
  { name: 'recovery', title: 'it is back', from: 1500, to: 1800 },
  { name: 'sharedCacheDown', title: 'the shared cache is down', from: 1800, to: 3000 },
]

export function phaseOf(name: string): Phase {
  const phase = phases.find((each) => each.name === name)
  if (!phase) throw new Error(`there is no phase '${name}'`)
  return phase
}

/** An outage, in seconds from the start. */
export interface Outage {
  /** Processes start one after another within these seconds. */
  readonly startsWithin: number
  readonly from: number
  readonly backAt: number
  /** By then each process has had its answer. */
  readonly end: number
}

/**
 * By what the processes hold in the outage. Values read before it are stale after it: the TTL is
 * 300 s.
 */
export const outages: { readonly nothing: Outage; readonly stale: Outage } = {
  nothing: { startsWithin: 10, from: 0, backAt: 60, end: 120 },
  stale: { startsWithin: 192, from: 192, backAt: 492, end: 612 },
}
