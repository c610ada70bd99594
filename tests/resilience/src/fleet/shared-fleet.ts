import { type KeyvCache, keyvCache, type KeyvCacheOptions } from '@finchat/secrets-cache-keyv'
import { createSecretsManager, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import { connect } from './connection.ts'
import type { ServerKind } from './servers.ts'

/** One member of a fleet, in this process: a memory and connections of its own. */
export interface Member {
  readonly secrets: SecretsManager
  readonly shared: KeyvCache
  readonly close: () => Promise<void>
}

export interface MemberOptions {
  readonly kind: ServerKind
  readonly url: string
  readonly provider: SecretProvider
  readonly ttlSeconds: number
  readonly recheckSeconds?: number
  readonly hasClient: boolean
  /** Subscribes to invalidations of other processes; needs the client. */
  readonly listens?: boolean
  readonly cache: Pick<KeyvCacheOptions, 'encryptionKey'> & Partial<KeyvCacheOptions>
}

export async function startMember({
  kind,
  url,
  provider,
  ttlSeconds,
  recheckSeconds,
  hasClient,
  listens,
  cache,
}: MemberOptions): Promise<Member> {
  const { store, clients, close: disconnect } = await connect(kind, url, hasClient)
  const { client, subscriber } = clients ?? {}
  const shared = keyvCache({ store, client, ...(listens && { subscriber }), ...cache })
  const secrets = createSecretsManager({ providers: [provider], cache: { shared, ttlSeconds, recheckSeconds } })
  await secrets.checkHealth()
  const close = async (): Promise<void> => {
    await secrets.close()
    await disconnect()
  }
  return { secrets, shared, close }
}
