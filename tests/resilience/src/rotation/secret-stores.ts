import { join } from 'node:path'
import { createSecretsManager, type SecretFields, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import { awsProvider } from '@finchat/secrets-provider-aws'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import { tokenAuth, vaultProvider } from '@finchat/secrets-provider-vault'
import { startMoto, startOpenBao } from '@finchat/secrets-test-servers'

/** What the service calls the secret, which is its path. */
export const serviceName = 'login'
/** What the rotator calls it: so the service hears of no write, as if it were another process. */
export const rotatorName = 'rotated'

type Names = Readonly<Record<string, string>>

/** One store, to be opened as often as there are processes. */
export interface SecretStore {
  readonly open: (names: Names) => SecretProvider
  readonly stop: () => Promise<void>
}

export const storeKinds = ['local', 'openbao', 'moto'] as const
export type StoreKind = (typeof storeKinds)[number]

/** On a busy machine an emulator may take long. */
const timeoutMs = 20_000

export const startStore: Readonly<Record<StoreKind, (folder: string) => Promise<SecretStore>>> = {
  local: async (folder) => {
    const options = { path: join(folder, 'secrets.db'), key: generateKey() }
    return { open: (names) => localProvider({ ...options, names }), stop: async () => {} }
  },
  openbao: async () => {
    const { url, rootToken, stop } = await startOpenBao()
    return { open: (names) => vaultProvider({ url, auth: tokenAuth(rootToken), timeoutMs, names }), stop }
  },
  moto: async () => {
    const { url, stop } = await startMoto()
    const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'example' }
    const options = { region: 'eu-west-1', endpoint: url, clientConfig: { credentials }, timeoutMs }
    return { open: (names) => awsProvider({ ...options, names }), stop }
  },
}

/** The managers of two processes. */
export interface Managers {
  readonly service: SecretsManager
  readonly rotator: SecretsManager
  readonly close: () => Promise<void>
}

export async function openManagers({ open }: SecretStore, path: string, first: SecretFields): Promise<Managers> {
  const deadlineMs = timeoutMs + 5_000
  const rotator = createSecretsManager({ providers: [open({ [rotatorName]: path })], deadlineMs })
  const service = createSecretsManager({ providers: [open({ [serviceName]: path })], deadlineMs })
  await rotator.storeSecret(rotatorName, first)
  await service.getSecretValue(serviceName)
  const close = async (): Promise<void> => {
    await Promise.all([service.close(), rotator.close()])
  }
  return { service, rotator, close }
}
