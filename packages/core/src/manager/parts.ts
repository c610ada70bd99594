import type { ChainEntry, Route } from '../chain/routing.ts'
import type { SharedCache } from '../contract/shared-cache.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import type { Bounds } from '../guard/deadline.ts'
import type { Observer } from '../observe/operation.ts'
import { hearChanges } from '../observe/own-changes.ts'
import type { Reader } from '../read/reader.ts'
import type { Zeroizer } from '../value/zeroizer.ts'
import type { Writer } from '../write/writer.ts'
import type { HealthCheck } from './health.ts'
import type { SecretsManager } from './secrets-manager.ts'

/** What a manager is made of, for functions that are built over one. */
export interface ManagerParts {
  readonly reader: Reader
  readonly writer: Writer
  readonly observer: Observer
  readonly locate: (name: string) => Route
  readonly chainEntries: readonly ChainEntry[]
  readonly bounds: Bounds
  readonly zeroizer: Zeroizer
  readonly shared: SharedCache | undefined
  readonly health: HealthCheck
  readonly hearChanges: typeof hearChanges
}

/** Registered, since another entry of this package may be loaded from a second copy of it. */
const partsKey: unique symbol = Symbol.for('@finchat/secrets-core.parts')

/** The member is enumerable, so that `{ ...secrets }` keeps it; a function prints nothing inside. */
export function withParts(manager: SecretsManager, made: Omit<ManagerParts, 'hearChanges'>): SecretsManager {
  const parts: ManagerParts = { ...made, hearChanges }
  return Object.assign(manager, { [partsKey]: () => parts })
}

/** Throws `INVALID_ARGUMENT` for anything but a manager or a copy of one. */
export function partsOf(secrets: SecretsManager): ManagerParts {
  const parts: unknown = Object(secrets) === secrets && Object.hasOwn(secrets, partsKey) ? Reflect.get(secrets, partsKey) : undefined
  const known: unknown = typeof parts === 'function' ? parts() : undefined
  if (typeof known === 'object' && known !== null) return known as ManagerParts // by its key it is ours
  throw new SecretsError('INVALID_ARGUMENT', 'what was passed is no secrets manager', {
    remedy: 'pass the manager that createSecretsManager returned, or a copy of it',
  })
}
