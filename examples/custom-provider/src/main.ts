// `npm start`: a chain that ends in the provider of http-provider.ts, while its store fails.
import { SecretsError, secretsManagerFromEnv } from '@finchat/secrets-core'
import { httpFromEnv } from './http-provider.ts'
import { startStubStore } from './stub-store.ts'

const store = await startStubStore()
store.secrets.set('prod/token', 'hunter2')
// In an application these are variables of the process.
const variables = {
  FINCHAT_SECRETS_PROVIDER: 'http',
  FINCHAT_HTTP_URL: store.url,
  FINCHAT_HTTP_TOKEN: 'token',
  FINCHAT_HTTP_PREFIX: 'prod/',
}
const secrets = secretsManagerFromEnv({ http: httpFromEnv }, { env: { ...variables, LOG_LEVEL: 'info' } })
// Shown on standard output, instead of on standard error, where Node prints it.
process.removeAllListeners('warning').on('warning', ({ message }) => console.log(`warning         ${message}`))

await show('token')
await show('LOG_LEVEL')
await show('no-such-secret')
store.mood = 'denied'
await show('denied')
store.mood = 'garbage'
await show('garbage')
await secrets.close()
await store.stop()

async function show(name: string): Promise<void> {
  try {
    const value = await secrets.getSecretValue(name)
    console.log(`${name.padEnd(15)} ${value.toString()} of ${value.provider}`)
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
    console.log(`${name.padEnd(15)} ${error.code}`)
  }
}
