import type { SecretsErrorCode } from '@finchat/secrets-core'
import { keptByWrites, keptVersions, type Operation, valueOf } from './operation.ts'

/** What a store may hold of one secret. */
export interface Held {
  /** The highest number ever used. */
  readonly last: number
  readonly versions: ReadonlyMap<number, string>
  readonly deleted: boolean
}

export const nothingHeld: Held = { last: 0, versions: new Map(), deleted: false }

/** The code with which the operation must be refused, if it must. */
export function refusalOf({ versions, deleted }: Held, operation: Operation): SecretsErrorCode | undefined {
  const kind = operation.do
  if ((kind === 'put' || kind === 'rotate') && deleted) return 'DELETED'
  if ((kind === 'delete' || kind === 'restore' || kind === 'purge') && versions.size === 0) return 'NOT_FOUND'
  return undefined
}

/** What is held once the operation is done. */
export function after(held: Held, operation: Operation): Held {
  switch (operation.do) {
    case 'put':
    case 'rotate':
      return { ...held, last: held.last + 1, versions: newest([...held.versions, [held.last + 1, valueOf(operation.text)]], keptByWrites) }
    case 'delete':
      return { ...held, deleted: true }
    case 'restore':
      return { ...held, deleted: false }
    case 'purge':
      return { ...nothingHeld, last: held.last }
    case 'prune':
      return { ...held, versions: newest([...held.versions], keptVersions) }
    default:
      return held
  }
}

function newest(versions: readonly [number, string][], most: number): Map<number, string> {
  return new Map(versions.slice(-most))
}

/** What can be read of a secret: a withdrawn one shows no versions. */
export type Seen = Pick<Held, 'versions' | 'deleted'>

export function isSeenAs({ versions, deleted }: Held, seen: Seen): boolean {
  if (deleted || seen.deleted) return deleted === seen.deleted
  return versions.size === seen.versions.size && [...versions].every(([version, value]) => seen.versions.get(version) === value)
}
