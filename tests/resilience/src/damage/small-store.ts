import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type LocalProvider, localProvider } from '@finchat/secrets-provider-local'
import { context } from '../workload/observe.ts'
import { storeKeys } from '../workload/store-keys.ts'

/** The life of a small store: one change after the other. */
const changes: readonly ((provider: LocalProvider) => Promise<unknown>)[] = [
  (provider) => provider.put('alpha', { value: 'alpha-1', tags: { team: 'pay' } }, context),
  (provider) => provider.put('beta', { value: 'beta-1' }, context),
  (provider) => provider.put('withdrawn', { value: 'withdrawn-1' }, context),
  (provider) => provider.put('alpha', { value: 'alpha-2', tags: { team: 'core' } }, context),
  (provider) => provider.delete('withdrawn', { purge: false }, context),
  (provider) => provider.reencrypt(),
  (provider) => provider.put('beta', { value: 'beta-2' }, context),
  (provider) => provider.put('alpha', { value: 'alpha-40', version: 40 }, context), // beyond one node of versions
  (provider) => provider.put('alpha', { value: 'alpha-41' }, context),
]

/**
 * Makes the small store, and calls `changed` after each change with it still open. `pageBytes` is
 * that of SQLite by default.
 */
export async function makeSmallStore(path: string, changed: (count: number) => Promise<void>, pageBytes?: number): Promise<void> {
  const [next, first] = storeKeys(0)
  await opened(path, [first], (provider) => provider.put('beta', { value: 'beta-0' }, context))
  if (pageBytes !== undefined) setPageSize(path, pageBytes)
  await opened(path, [next, first], async (provider) => {
    for (const [index, change] of changes.entries()) {
      await change(provider)
      await changed(index + 1)
    }
  })
}

function setPageSize(path: string, bytes: number): void {
  const sqlite = new DatabaseSync(path)
  sqlite.exec(`PRAGMA journal_mode=DELETE; PRAGMA page_size=${bytes}; VACUUM`)
  sqlite.close()
}

async function opened(path: string, keys: readonly Uint8Array[], work: (provider: LocalProvider) => Promise<unknown>): Promise<void> {
  const provider = localProvider({ path, keys })
  try {
    await work(provider)
  } finally {
    await provider.close()
  }
}

/**
 * The file and its log as they are now. Another process reads them: closing the file here would
 * drop SQLite's locks.
 */
export function bytesOf(path: string): { readonly file: Buffer; readonly log: Buffer } {
  const [file, log] = [path, `${path}-wal`].map((each) =>
    existsSync(each) ? execFileSync('cat', [each], { maxBuffer: 2 ** 28 }) : Buffer.alloc(0),
  )
  return { file: file ?? Buffer.alloc(0), log: log ?? Buffer.alloc(0) }
}
