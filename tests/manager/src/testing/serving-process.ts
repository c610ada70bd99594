// A service of the recipe that is named, on a port that it prints, as each read of a secret. It ends by SIGTERM.
import { createSecretsManager, envProvider, type SecretProvider } from '@finchat/secrets-core'
import { services } from './services.ts'

const env = envProvider({ env: { FINCHAT_TOKEN: 'right', DB: 'db' } })
const get: SecretProvider['get'] = (path, context) => {
  console.log('a secret is read')
  return env.get(path, context)
}
const secrets = createSecretsManager({ providers: [{ specificationVersion: 'v1', name: 'env', get }] })
const start = services[process.argv[2] ?? '']
if (start === undefined) throw new Error('there is no such recipe')
console.log((await start(secrets, ['FINCHAT_TOKEN', 'DB'])).url)
