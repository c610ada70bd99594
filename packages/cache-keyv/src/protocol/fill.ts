import type { FillTicket, SharedEntry, SharedKey } from '@finchat/secrets-core'
import type { LevelParts } from './context.ts'
import { entryIn, isBefore } from './probe.ts'
import { placesOf } from '../sealed/key-names.ts'
import { sealEntry } from '../sealed/entry.ts'
import { openGeneration } from '../sealed/generation.ts'
import { canBeShared } from '../sealed/secret-codec.ts'
import { endTurn } from './fill-lease.ts'

/** Writes the entry if it still belongs there, and hands back the turn in any case: who waits sees an answer, or that there is none. Rejects with a `StoreFault`. */
export async function fill(parts: LevelParts, key: SharedKey, ticket: FillTicket, entry: SharedEntry | undefined): Promise<void> {
  const { generation, turn } = ticket
  try {
    if (entry !== undefined && typeof generation === 'string') await write(parts, key, generation, entry)
  } finally {
    if (typeof turn === 'string') await endTurn(placesOf(key, parts).turn, turn, parts)
  }
}

async function write(parts: LevelParts, key: SharedKey, generation: string, entry: SharedEntry): Promise<void> {
  const { store, keys, namespace, reports } = parts
  const now = Date.now()
  const head = {
    generation,
    writtenAt: Math.min(entry.askedAt ?? now, now),
    until: Math.min(entry.until, entry.secret.expiresAt ?? Infinity),
  }
  if (!Number.isFinite(head.until) || head.until <= now || entry.secret.exclusive || !canBeShared(entry.secret)) return
  const places = placesOf(key, parts)
  if (!(await isWanted(parts, key, head, entry.secret.version))) return
  const text = sealEntry(keys, { ...key, namespace }, head, entry.secret)
  await store.set(places.entry, text, head.until - now)
  const [kept] = await store.getMany([places.entry])
  // Somebody else's entry will do.
  if (kept === undefined) throw store.lost()
  store.kept()
  reports.count('fills')
}

/** Nobody invalidated the path since, and nobody brought what was asked for later. An entry that comes between is of a generation that is over. */
async function isWanted(
  parts: LevelParts,
  key: SharedKey,
  { generation, writtenAt }: { readonly generation: string; readonly writtenAt: number },
  version: number | undefined,
): Promise<boolean> {
  const places = placesOf(key, parts)
  const [sealedGeneration, sealedEntry] = await parts.store.getMany([places.generation, places.entry])
  const current =
    sealedGeneration === undefined ? undefined : openGeneration(parts.keys, { ...key, namespace: parts.namespace }, sealedGeneration)
  if (current?.id !== generation || isBefore(current, key, version)) return false
  const there = entryIn(parts, key, current, sealedEntry)
  return there === undefined || there.writtenAt < writtenAt
}
