import { createSecretsManager } from '@finchat/secrets-core'
import { tokenAuth, vaultProvider } from '@finchat/secrets-provider-vault'
import { sinceStart } from '../harness/measure.ts'
import type { Contender } from '../harness/scenario.ts'
import * as work from './vault-work.ts'

/** Nothing is kept: every read asks the store. */
function reader({ url, token: text, caFile }: work.Server): work.ReadSecret {
  const provider = vaultProvider({ url, auth: tokenAuth(text), ...(caFile !== undefined && { tls: { ca: { file: caFile } } }) })
  const secrets = createSecretsManager({ providers: [provider], autoCleanup: true })
  return (path) => secrets.getSecret(path)
}

export const reads: Contender = (task) => {
  const read = reader(work.serverOf(task))
  return { round: () => work.crowd(task, 3_000, read) }
}

export const handshakes: Contender = (task) => work.handshakes(task, reader)

export const start: Contender = (task) => ({
  round: async () => {
    await reader(work.serverOf(task))('app/secret-0')
    return sinceStart(task.spawnedAt)
  },
})
