import type { SecretsErrorCode } from '@finchat/secrets-core'
import type { Random } from '../harness/random.ts'

/** One change of a store. `text` is short for the value: the whole of it is `valueOf(text)`. */
export type Operation =
  | { readonly do: 'put' | 'rotate'; readonly name: string; readonly text: ShortText }
  | { readonly do: 'delete' | 'purge' | 'restore' | 'prune'; readonly name: string }
  | { readonly do: 'reencrypt' }

interface ShortText {
  readonly label: string
  readonly length: number
}

/** How an operation ended; `code` is absent where it was acknowledged. */
export interface Outcome {
  readonly version?: number | undefined
  readonly code?: SecretsErrorCode | 'FOREIGN' | undefined
  readonly effect?: 'done' | 'unknown' | undefined
  /** For the reader of a fault. */
  readonly message?: string | undefined
}

/** Every worker changes this one, by adding versions, and names of its own, in every way. */
export const sharedName = 'shared/rotated'
/** How many versions `prune` leaves. */
export const keptVersions = 2
/** How many a write leaves: a name that is rotated often comes to that. */
export const keptByWrites = 20

export function valueOf({ label, length }: ShortText): string {
  return `${label}|${'x'.repeat(length)}|${label}`
}

function namesOf(worker: string): [string, ...string[]] {
  return [0, 1, 2, 3].map((n) => `${worker}/${n}`) as [string, ...string[]] // four in, four out
}

const kinds = ['put', 'put', 'put', 'put', 'rotate', 'rotate', 'rotate', 'delete', 'restore', 'purge', 'prune', 'reencrypt'] as const

/** What `worker` does next. Values are of many sizes, so that pages split and overflow. */
export function nextOperation(random: Random, worker: string, label: string): Operation {
  const kind = random.pick(kinds)
  if (kind === 'reencrypt') return { do: kind }
  const text = { label, length: random.chance(0.1) ? random.below(20_000) : random.below(300) }
  if (kind === 'rotate') return { do: kind, name: sharedName, text }
  const name = random.pick(namesOf(worker))
  return kind === 'put' ? { do: kind, name, text } : { do: kind, name }
}
