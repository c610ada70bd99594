import { SecretsError } from '@finchat/secrets-core'
import { localProvider } from '../local-provider.ts'

/* Another process that reads one secret and prints how that ended: one that hangs can be killed. `node reading-process.ts PATH NAME` */
const [path = '', name = ''] = process.argv.slice(2)
const provider = localProvider({ path, key: new Uint8Array(32).fill(0x5a), mustExist: true })

provider
  .get(name, { signal: new AbortController().signal })
  .then(
    () => 'a value',
    (error: unknown) => (SecretsError.isInstance(error) ? error.code : 'another error'),
  )
  .then((outcome) => process.stdout.write(outcome))
  .finally(() => void provider.close())
