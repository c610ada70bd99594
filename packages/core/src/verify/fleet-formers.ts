import type { Location } from '../chain/routing.ts'
import { ownMembers } from '../errors/own-properties.ts'
import { bounded } from '../guard/deadline.ts'
import { fieldsOf } from '../read/deliver.ts'
import { ageOf, earlier, type Moment, presentMoment } from '../value/moment.ts'
import { partKey, type SecretBytes } from '../value/secret-bytes.ts'
import { endless } from './skipped-numbers.ts'
import type { WithGrace } from './verify-options.ts'

/** Whether a candidate is the value before the current one, as another process saw it. */
export type IsFormer = (candidate: string | Uint8Array) => Promise<boolean | undefined>

/**
 * Tells the fleet what this process has, in the turn of the event loop in which it can be read.
 * `undefined`: there is no such secret. A shared cache that fails matches nothing.
 */
export function tellFleet(location: Location, part: SecretBytes | undefined, { field, graceMs }: WithGrace): IsFormer | undefined {
  const { formers, provider } = location.chainEntry
  const sharedAs = fleetOf(location)
  const givenAt = part ? part.metadata.givenAt : absentSince(location)
  if (!formers || !sharedAs || provider.getVersion || !givenAt || !graceMs) return undefined
  const key = { sharedAs, path: location.path, part: partKey(fieldsOf(location, field)), graceMs }
  const ask = <T>(call: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> =>
    // A verification waits no longer for what other processes saw.
    bounded(call, { deadlineMs: 1_000, closing: endless }).catch(() => undefined)
  let current: Uint8Array | undefined
  void ask((signal) => {
    current = part?.digestWith((bytes) => formers.digest(key, bytes))
    return formers.saw(key, current, ageOf(givenAt), { signal })
  })
  return (candidate) => ask(async (signal) => current && formers.matches(key, current, candidate, { signal }))
}

/** `empty`: those of the locations whose store was asked, and answered that there is no such secret. */
export function tellWithdrawals(locations: readonly Location[], empty: readonly Location[], options: WithGrace): void {
  for (const location of empty) {
    // Several providers of one fleet: what one of them has, or may have, is not gone.
    const alike = locations.filter((other) => other.path === location.path && fleetOf(other) === fleetOf(location))
    if (alike.every((other) => empty.includes(other))) tellFleet(location, undefined, options)
  }
}

/** Memory may have answered for the store. */
function absentSince({ chainEntry: { store }, path }: Location): Moment {
  const absent = store.absence(path)
  return earlier(presentMoment(), absent === undefined ? 0 : Math.max(0, Date.now() - absent.until + absent.lastsMs))
}

function fleetOf({ chainEntry }: Location): string | undefined {
  const { graceSharedAs, sharedAs } = ownMembers(chainEntry.provider, ['graceSharedAs', 'sharedAs'])
  return graceSharedAs ?? sharedAs
}
