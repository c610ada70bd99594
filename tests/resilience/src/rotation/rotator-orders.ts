import type { PostgresAddress, PostgresRoles } from '@finchat/secrets-rotation-tests/testing/postgres-login'
import type { StoreAddress } from './secret-stores.ts'

/** What a rotator in a process of its own is to do. */
export interface RotatorOrders {
  readonly store: StoreAddress
  readonly path: string
  readonly postgres: PostgresAddress
  readonly roles: PostgresRoles
  /** How many of its boundaries it passes until it halts, or the first one of this name. */
  readonly haltAt?: number | string | undefined
  /** What it does there. `tell`: it only says so, and goes on. Default: `stop`, by SIGSTOP. */
  readonly halt?: 'stop' | 'tell' | undefined
  /** Once it goes on, it dies as soon as an `apply` has returned. */
  readonly diesAfterApply?: boolean | undefined
  /** Default true. Otherwise the target forgets which attempts it has seen. */
  readonly isFenced?: boolean | undefined
}

/** Said in a line of its own. */
export const halted = 'halted'
