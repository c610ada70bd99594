import type { FillTicket, SharedKey, SharedRead, SharedReadContext } from '@finchat/secrets-core'
import type { LevelParts } from './context.ts'
import { type Look, look } from './probe.ts'
import { jittered } from '../store/lifecycle.ts'
import { newGeneration, sealGeneration } from '../sealed/generation.ts'
import { endTurn, startPatience, type Turn, turnAt } from './fill-lease.ts'

/** Longer than any entry lives. A path that has lost its generation is a gap, no more. */
export const generationTtlMs: number = 7 * 86_400_000

const firstPauseMs = 25
const longestPauseMs = 200

/** So many had the turn and brought no answer: whoever still waits asks for itself. */
const mostUnanswered = 3

interface Wait {
  /** Nobody waits any longer: the time is over, the caller gave up, or the cache is closing. */
  readonly isOver: () => boolean
  readonly end: () => void
}

/**
 * A hit; or a ticket: with the turn to ask the provider for the fleet, or without it where others took too long. Rejects with a `StoreFault` and
 * nothing else.
 */
export async function read(parts: LevelParts, key: SharedKey, context: SharedReadContext): Promise<SharedRead> {
  const seen = await look(parts, key, context.notBefore)
  if (seen.hit !== undefined) return hit(parts, seen.hit)
  const wait = waitOf(parts, context)
  try {
    return await readOrWait(parts, key, context, { seen, wait })
  } finally {
    wait.end()
  }
}

async function readOrWait(
  parts: LevelParts,
  key: SharedKey,
  context: SharedReadContext,
  { seen: first, wait }: { readonly seen: Look; readonly wait: Wait },
): Promise<SharedRead> {
  const { lifecycle } = parts
  let seen = first
  const turn = turnAt(seen.places, parts)
  for (let round = 0, unanswered = 0; ; round += 1) {
    if (await turn.claim(seen)) return withTurn(parts, key, turn, context)
    if (wait.isOver() || unanswered >= mostUnanswered) return gap(parts, ticketOf(seen))
    const before = seen
    await lifecycle.pause(jittered(Math.min(firstPauseMs * 2 ** round, longestPauseMs)), context.signal)
    seen = await look(parts, key, context.notBefore)
    if (isUnanswered(before, seen)) {
      unanswered += 1
      // All who waited see it at the same time.
      await lifecycle.pause(Math.random() * firstPauseMs * 2 ** unanswered, context.signal)
      seen = await look(parts, key, context.notBefore)
    }
    if (seen.hit !== undefined) return waited(parts, seen.hit)
  }
}

function waitOf({ waitMs, clock, lifecycle, store }: LevelParts, { signal }: SharedReadContext): Wait {
  let isTimeOver = waitMs === 0
  const end = clock.after(store.isStarting ? startPatience * waitMs : waitMs, () => (isTimeOver = true))
  return { end, isOver: () => isTimeOver || signal.aborted || lifecycle.isClosing }
}

/** Whoever had the turn gave it back, and there is no entry. */
function isUnanswered(before: Look, now: Look): boolean {
  return before.turn !== undefined && now.turn === undefined && now.hit === undefined
}

/** Ours is the turn. Somebody may have answered before it was; a path without a generation gets one before the provider is asked. */
async function withTurn(parts: LevelParts, key: SharedKey, turn: Turn, { signal, notBefore }: SharedReadContext): Promise<SharedRead> {
  const seen = await look(parts, key, notBefore)
  if (seen.hit === undefined && !signal.aborted && !parts.lifecycle.isClosing) {
    const generation = seen.generation?.id ?? (await begin(parts, key, seen))
    parts.reports.count('turns')
    return gap(parts, { generation, turn: turn.id })
  }
  await endTurn(seen.places.turn, turn.id, parts)
  return seen.hit === undefined ? gap(parts, ticketOf(seen)) : waited(parts, seen.hit)
}

/** Only who has the turn begins one, so that those who start together do not take it from each other. */
async function begin({ store, keys, namespace }: LevelParts, key: SharedKey, { places }: Look): Promise<string> {
  const generation = newGeneration(undefined)
  await store.set(places.generation, sealGeneration(keys, { ...key, namespace }, generation), generationTtlMs)
  return generation.id
}

function ticketOf({ generation }: Look): FillTicket {
  return generation === undefined ? {} : { generation: generation.id }
}

function gap({ reports, keyCheck }: LevelParts, ticket: FillTicket): SharedRead {
  reports.count('misses')
  keyCheck.missed()
  return { ticket }
}

function waited(parts: LevelParts, answer: NonNullable<Look['hit']>): SharedRead {
  parts.reports.count('waits')
  return hit(parts, answer)
}

function hit({ reports }: LevelParts, answer: NonNullable<Look['hit']>): SharedRead {
  reports.count('hits')
  return answer
}
