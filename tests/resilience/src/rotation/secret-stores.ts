import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecretsManager, type SecretFields, type SecretProvider, SecretsError, type SecretsManager } from '@finchat/secrets-core'
import { awsProvider } from '@finchat/secrets-provider-aws'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import { tokenAuth, vaultProvider } from '@finchat/secrets-provider-vault'
import { startMoto, startOpenBao } from '@finchat/secrets-test-servers'

/** What the service calls the secret, which is its path. */
export const serviceName = 'login'
/** What the rotator calls it: so the service hears of no write, as if it were another process. */
export const rotatorName = 'rotated'

export const storeKinds = ['local', 'openbao', 'moto'] as const
export type StoreKind = (typeof storeKinds)[number]

/** Where a store is, for this process and others. */
export interface StoreAddress {
  readonly kind: StoreKind
  /** The file of a local store, or the URL of a server. */
  readonly place: string
  /** The key of a local store, or the token for OpenBao. */
  readonly key: string
}

/** One store, to be opened as often as there are processes. */
export interface SecretStore {
  readonly address: StoreAddress
  readonly stop: () => Promise<void>
}

/** On a busy machine an emulator may take long. */
const timeoutMs = 20_000
const deadlineMs = timeoutMs + 5_000

export const startStore: Readonly<Record<StoreKind, (folder: string) => Promise<SecretStore>>> = {
  local: async (folder) => ({
    address: { kind: 'local', place: join(folder, 'secrets.db'), key: generateKey() },
    stop: async () => {},
  }),
  openbao: async () => {
    const { url, rootToken, stop } = await startOpenBao()
    return { address: { kind: 'openbao', place: url, key: rootToken }, stop }
  },
  moto: async () => {
    const { url, stop } = await startMoto()
    return { address: { kind: 'moto', place: url, key: '' }, stop }
  },
}

type Names = Readonly<Record<string, string>>

/** As one process opens the store, by its own names for paths. */
function openStore({ kind, place, key }: StoreAddress, names: Names): SecretProvider {
  if (kind === 'local') return localProvider({ path: place, key, names })
  if (kind === 'openbao') return vaultProvider({ url: place, auth: tokenAuth(key), timeoutMs, names })
  const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'example' }
  return awsProvider({ region: 'eu-west-1', endpoint: place, clientConfig: { credentials }, timeoutMs, names })
}

type Altered = (provider: SecretProvider) => SecretProvider

/** The manager of a rotator, which may die, or be stopped for long. */
export function openRotator(address: StoreAddress, path: string, altered: Altered = (provider) => provider): SecretsManager {
  return createSecretsManager({ providers: [altered(openStore(address, { [rotatorName]: path }))], deadlineMs })
}

/** The managers of two processes. */
export interface Managers {
  readonly service: SecretsManager
  readonly rotator: SecretsManager
  readonly close: () => Promise<void>
}

/** How the two processes differ from what a store allows. */
export interface Rights {
  /** Default true. Otherwise the service is refused staged versions, as by a policy. */
  readonly mayReadPending?: boolean | undefined
  /** So long the target has the new value before the rotator makes it current. */
  readonly windowMs?: number | undefined
}

export async function openManagers(
  { address }: SecretStore,
  path: string,
  first: SecretFields,
  { mayReadPending = true, windowMs = 0 }: Rights = {},
): Promise<Managers> {
  const rotator = openRotator(address, path, (provider) => promotingLate(provider, windowMs))
  const opened = openStore(address, { [serviceName]: path })
  const service = createSecretsManager({ providers: [mayReadPending ? opened : withoutStaging(opened)], deadlineMs })
  await rotator.storeSecret(rotatorName, first)
  await service.getSecretValue(serviceName)
  const close = async (): Promise<void> => {
    await Promise.all([service.close(), rotator.close()])
  }
  return { service, rotator, close }
}

function promotingLate(provider: SecretProvider, windowMs: number): SecretProvider {
  const { staging } = provider
  if (staging === undefined || windowMs === 0) return provider
  const promote: typeof staging.promote = async (...args) => {
    await sleep(windowMs)
    return staging.promote(...args)
  }
  return { ...provider, staging: { ...staging, promote } }
}

function withoutStaging(provider: SecretProvider): SecretProvider {
  const denied = async (): Promise<never> => {
    throw new SecretsError('PERMISSION_DENIED', 'this service may not read staged versions')
  }
  return { ...provider, staging: { put: denied, get: denied, promote: denied, discard: denied } }
}
