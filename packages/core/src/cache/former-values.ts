import { Verification } from '../value/digest.ts'
import type { Moment } from '../value/moment.ts'
import { partKey, type SecretBytes, whole } from '../value/secret-bytes.ts'
import type { Lru } from './keys/lru.ts'

/** Not a manager's own, so that long secrets of one manager do not slow candidates of another. */
export const traceDigests: Verification = new Verification()

/** What is known of a value that the store gave. Never the value. */
export interface Trace {
  /** By part that was read or verified, under a random key of this process. */
  readonly digests: ReadonlyMap<string, Uint8Array>
  /** The last moment at which the store was asked and still gave it. */
  readonly until: Moment
  /** When it became current by the store's time, the oldest of all reads: a clock may be set back. */
  readonly since: Moment | undefined
  /** Of the direct predecessor. */
  readonly before: Trace | undefined
}

/** The direct predecessor of a value. */
export interface FormerValue {
  /** When the current value became current, by the store's time. Others may lie between. */
  readonly since: Moment | undefined
  readonly until: Moment | undefined
  readonly digest: Uint8Array | undefined
}

/** The store gave this value. */
export function noteValue(traces: Lru<Trace>, path: string, held: SecretBytes): Trace | undefined {
  const { givenAt: until, toldSince } = held.metadata
  if (until === undefined) return undefined
  const known = traces.get(path)
  const digests = held.digests(traceDigests.digest)
  const again = String(known?.digests.get(whole)) === String(digests.get(whole)) ? known : undefined
  const since = olderOf(again?.since, toldSince)
  const trace: Trace = again
    ? { ...again, until, since, digests: new Map([...again.digests, ...digests]) }
    : { until, since, digests, before: known && { ...known, before: undefined } }
  traces.set(path, trace)
  return trace
}

/** What precedes the value that the store gives now. */
export function formerValue(traces: Lru<Trace>, path: string, held: SecretBytes, fields: readonly string[]): FormerValue {
  const { since, before } = noteValue(traces, path, held) ?? { since: held.metadata.toldSince }
  return { since, until: before?.until, digest: before?.digests.get(partKey(fields)) }
}

/** Another time is of another version with the same content. */
function olderOf(known: Moment | undefined, told: Moment | undefined): Moment | undefined {
  return known && known.wall === told?.wall && known.monotonic < told.monotonic ? known : told
}
