import type { SecretsManager } from '@finchat/secrets-core'
import { liveSecret } from '@finchat/secrets-core/live'
import { Client, type ClientConfig } from 'pg'

/** For `username` and `password`: `rotatingPool(…, { …, Client: await currentUser(secrets, name) })`. */
export async function currentUser(secrets: SecretsManager, name: string): Promise<typeof Client> {
  const live = liveSecret(secrets, name)
  await live.ready
  return class extends Client {
    constructor(config?: string | ClientConfig) {
      const { username: user, password } = live.current.json() as { username: string; password: string }
      super({ ...(config as ClientConfig), user, password })
    }
  }
}
