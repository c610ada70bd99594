import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import type { CountingStore } from './counting-store.ts'
import type { Level } from './level.ts'

export interface ProcessOptions {
  readonly hasLevel: boolean
  /** Its provider asks for many secrets by batches. */
  readonly preloads?: boolean
}

/** The manager of one process of the fleet. */
export function newProcess(store: CountingStore, level: Level, { hasLevel, preloads = false }: ProcessOptions): SecretsManager {
  const { cache, hasLease } = level.client()
  const provider = store.provider(hasLease, { batches: preloads })
  return createSecretsManager({ providers: [provider], cache: hasLevel ? { shared: cache } : {} })
}
