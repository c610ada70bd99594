import { Verification } from '../value/digest.ts'
import { earlier, type Moment, presentMoment } from '../value/moment.ts'
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
  /** When it became current, by the store's own time as first read: a clock may be set back. */
  readonly since: Moment | undefined
  /** Of the direct predecessor. */
  readonly before: Trace | undefined
}

/** The direct predecessor of a value. */
export interface FormerValue {
  /** When its successor became current, by the store's own time. */
  readonly since: Moment | undefined
  readonly until: Moment | undefined
  readonly digest: Uint8Array | undefined
}

/** The store gave this value. */
export function noteValue(traces: Lru<Trace>, path: string, held: SecretBytes): Trace | undefined {
  const { givenAt: until } = held.metadata
  if (until === undefined) return undefined
  const known = traces.get(path)
  const digests = held.digests(traceDigests.digest)
  const again = String(known?.digests.get(whole)) === String(digests.get(whole)) ? known : undefined
  const trace: Trace = again
    ? { ...again, until, digests: new Map([...again.digests, ...digests]) }
    : { until, digests, since: sinceOf(held), before: known && { ...known, before: undefined } }
  traces.set(path, trace)
  return trace
}

/** What precedes the value that the store gives now, where the store keeps no versions. */
export function formerValue(traces: Lru<Trace>, path: string, held: SecretBytes, fields: readonly string[]): FormerValue {
  const { since, before } = noteValue(traces, path, held) ?? { since: sinceOf(held) }
  return { since, until: before?.until, digest: before?.digests.get(partKey(fields)) }
}

/** A version that was read is current, so a later bound is that of a store whose clock is ahead. */
function sinceOf({ metadata }: SecretBytes): Moment | undefined {
  const { currentSince, currentNotBefore, askedAt, givenAt = presentMoment() } = metadata
  const time = currentSince ?? (Number(currentNotBefore) <= askedAt ? currentNotBefore : undefined)
  return time === undefined ? undefined : earlier(givenAt, givenAt.wall - time)
}
