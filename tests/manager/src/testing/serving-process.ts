// A service of the recipe that is named, on a port that it prints. It ends by SIGTERM.
import { createSecretsManager, envProvider } from '@finchat/secrets-core'
import { services } from './services.ts'

const secrets = createSecretsManager({ providers: [envProvider({ env: { FINCHAT_TOKEN: 'right', DB: 'db' } })] })
const start = services[process.argv[2] ?? '']
if (start === undefined) throw new Error('there is no such recipe')
console.log((await start(secrets, ['FINCHAT_TOKEN', 'DB'])).url)
