/** `short` is part of the tests; `long` is what `pnpm test:resilience` runs. */
export type Scale = 'short' | 'long'

/** One way to try to break a promise. */
export interface FaultInjection {
  readonly name: string
  /** The promise that it tries to break. */
  readonly promise: string
  readonly run: (scale: Scale) => Promise<Tally>
}

/** What a fault-injection test did, counted, and every promise that it saw broken. */
export class Tally {
  readonly counts: Map<string, number> = new Map()
  readonly faults: string[] = []
  /** Parts that this machine does not allow, each with the reason. */
  readonly notRun: string[] = []

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by)
  }

  /** What was counted; 0 for what never happened. */
  of(what: string): number {
    return this.counts.get(what) ?? 0
  }

  fault(text: string): void {
    this.faults.push(text)
  }

  /** Takes over what another has counted. */
  add({ counts, faults, notRun }: Pick<Tally, 'counts' | 'faults' | 'notRun'>): void {
    for (const [what, by] of counts) this.count(what, by)
    this.faults.push(...faults)
    this.notRun.push(...notRun)
  }
}
