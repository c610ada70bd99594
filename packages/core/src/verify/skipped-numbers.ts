import type { SecretBytes } from '../value/secret-bytes.ts'
import type { Location } from '../chain/routing.ts'
import { describeAt } from '../chain/describe.ts'

interface Current {
  readonly held: SecretBytes
  readonly location: Location
}

/** Ended by the deadline alone: others wait for the same answer. */
const signal = new AbortController().signal

/** Finds the version directly before the current one where numbers were skipped. */
export class SkippedNumbers {
  readonly #below = new WeakMap<SecretBytes, Promise<number | undefined>>()

  /** Its number, by one answer that names both: `undefined` of a replica that has another current version, and of a store without descriptions. */
  below({ held, location }: Current): Promise<number | undefined> {
    const known = this.#below.get(held) ?? numberBelow(held.facts.version ?? 0, location)
    this.#below.set(held, known)
    return known
  }
}

async function numberBelow(current: number, location: Location): Promise<number | undefined> {
  const described = await describeAt(location, { signal })
  if (described?.version !== current) return undefined
  const numbers = (described.versions ?? []).map(({ version = 0 }) => version).filter((version) => version < current)
  return Math.max(0, ...numbers) || undefined
}
