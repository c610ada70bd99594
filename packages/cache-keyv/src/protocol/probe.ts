import type { SharedKey, SharedRead } from '@finchat/secrets-core'
import type { LevelParts } from './context.ts'
import { type Generation, leastIn, openGeneration } from '../sealed/generation.ts'
import { type EntryHead, type OpenedEntry, openEntry } from '../sealed/entry.ts'
import { type Places, placesOf } from '../sealed/key-names.ts'
import type { IgnoredReason } from './stats.ts'
import type { Sight } from './fill-lease.ts'

/** What the store has for one version of a path. */
export interface Look extends Sight {
  readonly places: Places
  readonly hit: Extract<SharedRead, { readonly hit: unknown }> | undefined
  /** Of the path; `undefined`: there is none, so that nothing is served. */
  readonly generation: Generation | undefined
}

/** A clock may be ahead of ours by so much. */
const clockToleranceMs = 5_000

/** Asks the store once. Rejects with a `StoreFault`. */
export async function look(parts: LevelParts, key: SharedKey, notBefore: number = -Infinity): Promise<Look> {
  const at = performance.now()
  const places = placesOf(key, parts)
  const wanted = [places.generation, places.entry, ...(parts.client === undefined ? [places.turn] : [])]
  const [sealedGeneration, sealedEntry, turn] = await parts.store.getMany(wanted)
  const generation = readable(parts, key, sealedGeneration, (sealed) =>
    openGeneration(parts.keys, { ...key, namespace: parts.namespace }, sealed),
  )
  const entry = entryIn(parts, key, generation, sealedEntry)
  const hit = entry === undefined || entry.writtenAt < notBefore ? undefined : hitOf(parts, key, generation, entry)
  return { places, hit, generation, turn, sealedEntry, at }
}

/** The entry that may be served as far as its head tells: its secret is not opened before. */
export function entryIn(
  parts: LevelParts,
  key: SharedKey,
  generation: Generation | undefined,
  sealed: string | undefined,
): OpenedEntry | undefined {
  const entry = readable(parts, key, sealed, (text) => openEntry(parts.keys, { ...key, namespace: parts.namespace }, text))
  const reason = entry && whyNot(entry, generation, Date.now())
  if (reason === undefined) return entry
  parts.reports.ignored(reason, key)
  return undefined
}

function whyNot(head: EntryHead, generation: Generation | undefined, now: number): IgnoredReason | undefined {
  // What is so far ahead of our clock will not be over when it should.
  if (head.writtenAt > now + clockToleranceMs) return 'future'
  // Also of a store that keeps it for longer than it was told to. NaN is no time.
  if (!(head.until > now)) return 'expired'
  return head.generation === generation?.id ? undefined : 'outdated'
}

function hitOf(parts: LevelParts, key: SharedKey, generation: Generation | undefined, entry: OpenedEntry): Look['hit'] {
  const secret = entry.open()
  if (secret !== undefined && !isBefore(generation, key, secret.version))
    return { hit: secret, until: entry.until, askedAt: entry.writtenAt }
  parts.reports.ignored(secret === undefined ? 'unreadable' : 'outdated', key)
  return undefined
}

/** A version from before the last write, as a replica that lags behind may still answer, is not the current one. */
export function isBefore(generation: Generation | undefined, { version: asked }: SharedKey, version: number | undefined): boolean {
  return asked === undefined && (version ?? Infinity) < leastIn(generation, Date.now())
}

function readable<T>(
  { reports }: LevelParts,
  key: SharedKey,
  sealed: string | undefined,
  open: (sealed: string) => T | undefined,
): T | undefined {
  if (sealed === undefined) return undefined
  const opened = open(sealed)
  if (opened === undefined) reports.ignored('unreadable', key)
  return opened
}
