import { SecretsError } from '@finchat/secrets-core'
import { localProvider } from '../local-provider.ts'
import { key } from './key.ts'

/*
 * Reads one secret in another process, which can be killed if it hangs, and prints the outcome.
 * `node reading-process.ts PATH NAME`
 */
const [path = '', name = ''] = process.argv.slice(2)

async function read(): Promise<void> {
  const provider = localProvider({ path, key, mustExist: true })
  const [outcome] = await Promise.allSettled([provider.get(name, { signal: new AbortController().signal })])
  const code = outcome.status === 'rejected' && SecretsError.isInstance(outcome.reason) ? outcome.reason.code : outcome.status
  process.stdout.write(code)
  await provider.close()
}

void read()
