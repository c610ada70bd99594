import type { Stores } from './manager.ts'

/** The stores of the act, and how to make them fail. */
export interface FailingStores {
  readonly settings: Stores
  /** AWS accepts connections from then on, and answers nothing. */
  readonly freezeAws: () => void
  readonly sealVault: () => Promise<void>
  /** Ends every outage. */
  readonly mend: () => Promise<void>
  readonly stop: () => Promise<void>
}

/**
 * All four stores hold these names. The value is the name of the store, which shows who answered.
 */
export const sharedNames: readonly string[] = Array.from({ length: 8 }, (_, n) => `shared/${n}`)
