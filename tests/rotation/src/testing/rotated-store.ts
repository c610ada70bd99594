import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecretsManager, type SecretFields, type SecretsManager } from '@finchat/secrets-core'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import { onTestFinished } from 'vitest'

/** What the service calls the secret. */
export const name = 'login'
/** What the rotator calls it: so the service hears of no write, as if it were another process. */
export const rotatedName = 'rotated'

/** One store, and the managers of two processes. */
export interface RotatedStore {
  readonly service: SecretsManager
  readonly rotator: SecretsManager
}

export async function rotatedStore(first: string | SecretFields): Promise<RotatedStore> {
  const folder = mkdtempSync(join(tmpdir(), 'rotation-recipes-'))
  const store = { path: join(folder, 'secrets.db'), key: generateKey() }
  const rotator = createSecretsManager({ providers: [localProvider({ ...store, names: { [rotatedName]: name } })] })
  const service = createSecretsManager({ providers: [localProvider(store)] })
  onTestFinished(async () => {
    await Promise.all([service.close(), rotator.close()])
    rmSync(folder, { recursive: true })
  })
  await rotator.storeSecret(rotatedName, first)
  await service.getSecretValue(name) // held from now on, as in a service that runs for long
  return { service, rotator }
}
