import type { SecretBytes } from '../value/secret-bytes.ts'
import type { Location } from '../chain/routing.ts'
import { describeAt } from '../chain/describe.ts'

interface Current {
  readonly held: SecretBytes
  readonly location: Location
}

/** Only the deadline ends it, since others wait for the same answer. */
export const endless: AbortSignal = new AbortController().signal

/** Finds the version before the current one if numbers were skipped. */
export class SkippedNumbers {
  readonly #below = new WeakMap<SecretBytes, Promise<number | undefined>>()

  /** Returns its number. `undefined` for a lagging replica, or a store without descriptions. */
  below({ held, location }: Current): Promise<number | undefined> {
    const known = this.#below.get(held) ?? numberBelow(held.metadata.version ?? 0, location)
    this.#below.set(held, known)
    return known
  }
}

async function numberBelow(current: number, location: Location): Promise<number | undefined> {
  const described = await describeAt(location, { signal: endless })
  if (described?.version !== current) return undefined
  const numbers = (described.versions ?? []).map(({ version = 0 }) => version).filter((version) => version < current)
  return Math.max(0, ...numbers) || undefined
}
