import { writeHeapSnapshot } from 'node:v8'
import { appRole } from '../auth/app-role.ts'
import { vaultProvider } from '../vault-provider.ts'

/*
 * `node --expose-gc holding-process.ts URL SECRET_ID_FILE SNAPSHOT` logs in, reads, writes a heap
 * snapshot and prints `idle`. After a line on stdin it closes the provider and prints `closed`.
 */
const [url = '', file = '', snapshot = ''] = process.argv.slice(2)
const context = { signal: new AbortController().signal }

/** Collects garbage, and lets new objects overwrite it. */
async function settle(): Promise<void> {
  for (let times = 0; times < 5; times += 1) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function run(): Promise<void> {
  const provider = vaultProvider({ url, auth: appRole({ roleId: 'the-role', secretId: { wrapped: { file } } }) })
  for (let times = 0; times < 100; times += 1) await provider.get('app', context)
  await settle()
  writeHeapSnapshot(snapshot)
  process.stdout.write('idle\n')
  await new Promise((resolve) => process.stdin.once('data', resolve))
  await provider.close()
  await settle()
  process.stdout.write('closed\n')
  process.stdin.resume()
}

void run()
