import type { Location } from '../chain/routing.ts'
import { ownMembers } from '../errors/own-properties.ts'
import { bounded } from '../guard/deadline.ts'
import { fieldsOf } from '../read/deliver.ts'
import { ageOf, presentMoment } from '../value/moment.ts'
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
  const givenAt = part ? part.metadata.givenAt : presentMoment()
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

/**
 * Every location before the one that answered has the value no more, unless one of them could not be
 * asked. `undefined`: none answered.
 */
export function tellWithdrawals(
  locations: readonly Location[],
  answered: { readonly location: Location; readonly degraded: boolean } | undefined,
  options: WithGrace,
): void {
  if (answered?.degraded) return
  const found = answered?.location
  for (const location of locations) {
    if (location === found) return
    // Two providers of one fleet: what one of them has is not gone.
    if (location.path !== found?.path || fleetOf(location) !== fleetOf(found)) tellFleet(location, undefined, options)
  }
}

function fleetOf({ chainEntry }: Location): string | undefined {
  const { graceSharedAs, sharedAs } = ownMembers(chainEntry.provider, ['graceSharedAs', 'sharedAs'])
  return graceSharedAs ?? sharedAs
}
