import { appRole, vaultProvider } from '@finchat/secrets-provider-vault'

/*
 * `node quiet-process.ts URL SECRET_ID VALUE` logs in, writes and reads. It prints nothing, and
 * ends although the provider is not closed.
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
