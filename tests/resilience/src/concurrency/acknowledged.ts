import type { Tally } from '../harness/fault-injection.ts'

/** One acknowledged rotation. */
export interface Written {
  readonly name: string
  readonly version: number
  readonly value: string
}

/** Acknowledged versions. A version number that was acknowledged twice is a fault. */
export class Acknowledged {
  readonly #tally: Tally
  readonly #byName = new Map<string, Map<number, Written>>()
  readonly #highest = new Map<string, number>()

  constructor(tally: Tally) {
    this.#tally = tally
  }

  add(written: Written): void {
    const { name, version } = written
    const versions = this.#byName.get(name) ?? new Map<number, Written>()
    if (versions.has(version)) this.#tally.fault(`version ${version} of ${name} was given to two writers`)
    this.#byName.set(name, versions.set(version, written))
    this.#highest.set(name, Math.max(version, this.highest(name)))
    this.#tally.count('rotations')
  }

  highest(name: string): number {
    return this.#highest.get(name) ?? 0
  }

  of(name: string): Written[] {
    return [...(this.#byName.get(name)?.values() ?? [])]
  }
}
