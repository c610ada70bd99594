import { appRole, vaultProvider } from '@finchat/secrets-provider-vault'

/*
 * A process of its own that logs in, writes and reads: `node quiet-process.ts URL SECRET_ID VALUE`. It prints nothing, and ends by itself though
 * the provider is not closed.
 */
const [url = '', secretId = '', value = ''] = process.argv.slice(2)
const context = { signal: new AbortController().signal }

async function run(): Promise<void> {
  const provider = vaultProvider({ url, auth: appRole({ roleId: 'the-role', secretId }) })
  await provider.put('app', { value }, context)
  await provider.get('app', context)
  await provider.get('broken', context).catch(() => {})
}

void run()
