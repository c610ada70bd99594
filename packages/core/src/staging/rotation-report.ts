import { SecretsError } from '../errors/secrets-error.ts'
import type { RotationReport } from '../manager/health.ts'
import { partsOf } from '../manager/parts.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'

/**
 * Adds what the function returns to `checkHealth` of this manager, as `rotations`. Returns the
 * function that removes it again. Throws `INVALID_ARGUMENT` for anything but a manager and a
 * function.
 *
 * @example
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 * import { addRotationReport } from '@finchat/secrets-core/staging'
 *
 * const secrets = createSecretsManager({ providers: [envProvider()] })
 * addRotationReport(secrets, async () => ({ db: { status: 'due', dueAt: 1_800_000_000_000 } }))
 * const { ok, rotations } = await secrets.checkHealth()
 * console.log(ok, rotations?.['db']?.status) // true due
 */
export function addRotationReport(secrets: SecretsManager, report: RotationReport): () => void {
  const { health } = partsOf(secrets)
  if (typeof report !== 'function')
    throw new SecretsError('INVALID_ARGUMENT', 'the report is no function', { remedy: 'pass async () => ({ name: { status, dueAt } })' })
  return health.addRotations(report)
}
