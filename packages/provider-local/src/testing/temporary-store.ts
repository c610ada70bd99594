import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { expect, onTestFinished } from 'vitest'
import { type LocalProvider, localProvider } from '../local-provider.ts'
import type { LocalProviderOptions } from '../store/options.ts'
import { key } from './key.ts'

export { key, otherKey } from './key.ts'

/** A context whose signal never fires. */
export const context: CallContext = { signal: new AbortController().signal }

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-local-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function temporaryPath(): string {
  return join(temporaryFolder(), 'secrets.db')
}

/** A provider that is closed at the end of the test. */
export function opened(path: string, options: Partial<LocalProviderOptions> = {}): LocalProvider {
  const provider = localProvider({ path, ...('keys' in options ? {} : { key }), ...options })
  onTestFinished(() => provider.close())
  return provider
}

/** Creates an empty store: only writes create one. */
export async function createStore(path: string): Promise<void> {
  await within(path, async (provider) => {
    await provider.put('first', { value: '' }, context)
    await provider.delete('first', { purge: true }, context)
  })
}

/** Runs `work` on the store and closes it, which copies the log into the file. */
export async function within<T>(
  path: string,
  work: (provider: LocalProvider) => Promise<T>,
  options: Partial<LocalProviderOptions> = {},
): Promise<T> {
  const provider = opened(path, options)
  const result = await work(provider)
  await provider.close()
  return result
}

/** Runs statements on the store's file, as whoever can write it could. */
export function tamper(path: string, sql: string): void {
  const sqlite = new DatabaseSync(path)
  sqlite.exec(sql)
  sqlite.close()
}

/**
 * The bytes of file and log, read by another process: closing the file here would drop this
 * process's locks.
 */
export function bytesOnDisk(path: string): Buffer {
  const files = [path, `${path}-wal`].filter((file) => existsSync(file))
  return execFileSync('cat', files, { maxBuffer: 2 ** 28 })
}

/** The `SecretsError` that the call rejects with. */
export async function failure(call: Promise<unknown>): Promise<SecretsError> {
  const [settled] = await Promise.allSettled([call])
  const reason: unknown = settled.status === 'rejected' ? settled.reason : 'the call resolved'
  expect(SecretsError.isInstance(reason), String(reason)).toBe(true)
  return reason as SecretsError // asserted above
}

export async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
