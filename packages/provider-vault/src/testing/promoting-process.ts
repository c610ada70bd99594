import { tokenAuth } from '../auth/token.ts'
import { vaultProvider } from '../vault-provider.ts'

/* `node promoting-process.ts URL MOUNT TOKEN PATH` promotes what is staged. A test may kill it. */
const [url = '', mount = '', credential = '', path = ''] = process.argv.slice(2)
const context = { signal: new AbortController().signal }

async function run(): Promise<void> {
  const provider = vaultProvider({ url, mount, auth: tokenAuth(credential), timeoutMs: 60_000 })
  const pending = await provider.staging.get(path, context)
  await provider.staging.promote(path, { revision: pending?.revision }, context)
}

void run()
