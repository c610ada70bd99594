import type { Reading } from '../chain/chain.ts'
import { hasCode } from '../kit/error-code.ts'
import { partsOf } from '../manager/parts.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import type { CallOptions } from '../options/call-options.ts'
import { valueOf } from '../read/deliver.ts'
import type { ReadOneOptions } from '../read/read-options.ts'
import type { SecretValue } from '../value/secret-value.ts'
import { knownPlainOptions } from './stage-options.ts'
import type { StagedSecretReceipt } from './stage-secret.ts'

/** A staged version with its value. It is the receipt for `promoteSecret` and `discardSecret`. */
export interface PendingSecret extends StagedSecretReceipt {
  readonly value: SecretValue
  /** When it was staged, by the store's clock. */
  readonly stagedAt?: number | undefined
  /** Who staged it and by which plan. */
  readonly note?: Readonly<Record<string, string>> | undefined
}

/**
 * Reads the staged version from the first provider that has one; `undefined` if none waits. It is
 * never cached, never shared and never stale. Audited as a read with `version: 'pending'`.
 */
export async function pendingSecret(secrets: SecretsManager, name: string, call: CallOptions = {}): Promise<PendingSecret | undefined> {
  const { observer, reader, locate } = partsOf(secrets)
  const route = locate(name)
  const options: ReadOneOptions = { ...knownPlainOptions(call), version: 'pending' }
  try {
    return await observer.observe({ operation: 'get', name, effect: false }, options, (metadata) =>
      reader.readObserved(reader.traversal(route, undefined), options, metadata, pendingOf),
    )
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

function pendingOf(reading: Reading): PendingSecret {
  const { provider, version, revision, attempt, stagedAt, note } = reading.held.metadata
  return { provider, version, revision, attempt, stagedAt, note, value: valueOf(reading) }
}
