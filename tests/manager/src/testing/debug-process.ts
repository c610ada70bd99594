// Reads, verifies and writes secrets that hold a canary, in a process whose NODE_DEBUG the test sets.
import { createSecretsManager, envProvider, type SecretProvider, SecretsError } from '@finchat/secrets-core'
import { memoryProvider } from '@finchat/secrets-testkit'

const canary = process.argv[2] ?? ''
const down: SecretProvider = {
  specificationVersion: 'v1',
  name: 'vault',
  get: async (path) => {
    if (path === 'denied') throw new SecretsError('PERMISSION_DENIED', `the policy hides ${canary}`)
    throw new SecretsError('UNAVAILABLE', `down, said ${canary}`)
  },
}
const missing = envProvider({ name: 'first', env: {} })
const secrets = createSecretsManager({
  providers: [missing, down, memoryProvider({ name: 'store', secrets: { db: canary } })],
  writeTo: 'store',
})
await secrets.getSecret('db')
await secrets.getSecret('db')
await secrets.getSecret('denied').catch(() => {})
await secrets.getSecret('none').catch(() => {})
await secrets.getSecrets(['db', 'denied']).catch(() => {})
await secrets.verifySecret('db', canary, { acceptDegraded: true })
await secrets.verifySecret('db', `${canary}-wrong`, { acceptDegraded: true })
await secrets.storeSecret('new', canary, { provider: 'store' }).catch(() => {})
await secrets.close()
