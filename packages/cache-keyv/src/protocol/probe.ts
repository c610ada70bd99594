import type { SharedChanges, SharedHit, SharedKey } from '@finchat/secrets-core'
import { type EntryHead, type OpenedEntry, openEntry } from '../sealed/entry.ts'
import { type Generation, leastVersionOf, openGeneration } from '../sealed/generation.ts'
import type { KeyNames } from '../sealed/key-names.ts'
import type { OpeningKeys } from '../sealed/key-ring.ts'
import { openOutageMark } from '../sealed/outage-mark.ts'
import type { CacheContext } from './context.ts'
import type { LeaseState } from './fill-lease.ts'
import { type OutageState, outageStateOf } from './outage.ts'
import type { IgnoredReason } from './stats.ts'

export interface Probe extends LeaseState {
  readonly hit: SharedHit | undefined
  readonly generation: Generation | undefined
  readonly outage: OutageState
}

export interface ProbeTarget {
  readonly key: SharedKey
  readonly names: KeyNames
  readonly notBefore?: number | undefined
  /** The reader has a value, and so wants to know of an outage. */
  readonly canWait?: boolean | undefined
}

const clockToleranceMs = 5_000

export async function probe(cache: CacheContext, { key, names, notBefore = -Infinity, canWait = false }: ProbeTarget): Promise<Probe> {
  const at = performance.now()
  const wanted = [names.generation, names.entry, ...(cache.client === undefined ? [names.lease] : []), ...(canWait ? [names.outage] : [])]
  const texts = await cache.store.getMany(wanted)
  const textOf = (name: string): string | undefined => texts[wanted.indexOf(name)]
  const [position, sealedEntry] = [{ ...key, namespace: cache.namespace }, textOf(names.entry)]
  const generation = opened(cache, key, textOf(names.generation), (keys, sealed) => openGeneration(keys, position, sealed))
  const outage = outageStateOf(opened(cache, key, textOf(names.outage), (keys, sealed) => openOutageMark(keys, position, sealed)))
  const entry = servableEntry(cache, key, generation, sealedEntry)
  const hit = entry === undefined || entry.writtenAt < notBefore ? undefined : hitOf(cache, key, generation, entry)
  return { hit, generation, outage, holder: textOf(names.lease), sealedEntry, at }
}

/** The entry if its head allows it to be served. */
export function servableEntry(
  cache: CacheContext,
  key: SharedKey,
  generation: Generation | undefined,
  sealed: string | undefined,
): OpenedEntry | undefined {
  const entry = opened(cache, key, sealed, (keys, text) => openEntry(keys, { ...key, namespace: cache.namespace }, text))
  const reason = entry && ignoredReason(entry, generation, Date.now())
  if (reason === undefined) return entry
  cache.stats.recordIgnored(reason, key)
  return undefined
}

function ignoredReason(head: EntryHead, generation: Generation | undefined, now: number): IgnoredReason | undefined {
  // A clock that is ahead makes an entry expire too late.
  if (head.writtenAt > now + clockToleranceMs) return 'future'
  // Some stores ignore the TTL. Negated, so that NaN counts as expired.
  if (!(head.until > now)) return 'expired'
  return head.generation === generation?.id ? undefined : 'outdated'
}

function hitOf(cache: CacheContext, key: SharedKey, generation: Generation | undefined, entry: OpenedEntry): Probe['hit'] {
  const secret = entry.open()
  if (secret !== undefined && !isBeforeLastWrite(generation, key, secret.version))
    return { hit: secret, until: entry.until, askedAt: entry.writtenAt, ...changesOf(generation, key) }
  cache.stats.recordIgnored(secret === undefined ? 'unreadable' : 'outdated', key)
  return undefined
}

/** A lost generation tells of no invalidation, so that a loss costs no call. */
export function changesOf(generation: Generation | undefined, { version }: SharedKey): SharedChanges {
  const leastVersion = version === undefined ? leastVersionOf(generation, Date.now()) : 0
  return { invalidatedAt: generation?.invalidatedAt ?? 0, leastVersion }
}

/** A lagging replica may answer with an older version. */
export function isBeforeLastWrite(generation: Generation | undefined, { version: asked }: SharedKey, version: number | undefined): boolean {
  return asked === undefined && (version ?? Infinity) < leastVersionOf(generation, Date.now())
}

/** What does not open is recorded, and counts as absent. */
export function opened<T>(
  { keys, stats }: CacheContext,
  key: SharedKey,
  sealed: string | undefined,
  open: (keys: OpeningKeys, sealed: string) => T | undefined,
): T | undefined {
  if (sealed === undefined) return undefined
  const found = open(keys, sealed)
  if (found !== undefined) return found
  const isRetired = open({ opens: keys.retired }, sealed) !== undefined
  stats.recordIgnored(isRetired ? 'retired' : 'unreadable', key)
  return undefined
}
