import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { expect, test, vi } from 'vitest'
import type { LocalProvider } from './local-provider.ts'
import { context, opened, temporaryPath, within } from './testing/temporary-store.ts'

vi.setConfig({ testTimeout: 60_000 }) // thousands of writes

const calls: Readonly<Record<string, (provider: LocalProvider) => Promise<unknown>>> = {
  put: (provider) => provider.put('name', { value: 'another' }, context),
  'put by condition': async (provider) =>
    provider.put('name', { value: 'another', ifCurrent: { version: (await provider.get('name', context))?.version } }, context),
  'a staged put, promoted': async (provider) =>
    provider.staging.promote('name', await provider.staging.put('name', { value: 'next' }, context), context),
  'a staged put, discarded': async (provider) =>
    provider.staging.discard('name', await provider.staging.put('name', { value: 'next' }, context), context),
  get: (provider) => provider.get('name', context),
  'getVersion of the first': (provider) => provider.getVersion('name', 1, context),
  'getVersion of the previous': (provider) => provider.getVersion('name', 'previous', context),
  tag: (provider) => provider.tag('name', { team: 'pay' }, context),
  delete: (provider) => provider.delete('name', { purge: false }, context),
}

async function withVersions(path: string, count: number): Promise<void> {
  await within(
    path,
    async (provider) => {
      for (let n = 1; n <= count; n++) await provider.put('name', { value: `v${n}` }, context)
    },
    { keepVersions: 'all' },
  )
}

interface Cost {
  readonly statements: number
  /** Rows read in bulk, and texts hashed. */
  readonly rows: number
  readonly hashed: number
}

/** The cost of the call on a store that was just opened. */
async function costOf(path: string, call: (provider: LocalProvider) => Promise<unknown>): Promise<Cost> {
  let hashed = 0
  const crypto = process.getBuiltinModule('node:crypto')
  const { hash } = crypto
  const hashing = vi.spyOn(crypto, 'hash').mockImplementation((...values: Parameters<typeof hash>) => {
    hashed += Buffer.byteLength(values[1])
    return hash(...values)
  })
  const provider = opened(path, { keepVersions: 'all' })
  await provider.checkHealth(context)
  // of node:sqlite
  const statement = Object.getPrototypeOf(new DatabaseSync(':memory:').prepare('SELECT 1')) as StatementSync
  const [get, run, all] = [vi.spyOn(statement, 'get'), vi.spyOn(statement, 'run'), vi.spyOn(statement, 'all')]
  await call(provider)
  const statements = get.mock.calls.length + run.mock.calls.length + all.mock.calls.length
  const rows = all.mock.results.reduce((sum, { value }) => sum + (Array.isArray(value) ? value.length : 0), 0)
  for (const spy of [get, run, all, hashing]) spy.mockRestore()
  await provider.close()
  return { statements, rows, hashed }
}

test('with 2,000 versions each call takes at most a few statements and 8 KiB of hashing more than with ten', async () => {
  const [few, many] = [temporaryPath(), temporaryPath()]
  await withVersions(few, 10)
  await withVersions(many, 2_000)
  for (const [what, call] of Object.entries(calls)) {
    const [atTen, at2000] = [await costOf(few, call), await costOf(many, call)]
    // two nodes are read and written for each version that changes
    expect(at2000.statements - atTen.statements, what).toBeLessThanOrEqual(12)
    expect(at2000.rows, what).toBe(atTen.rows)
    expect(at2000.hashed - atTen.hashed, what).toBeLessThanOrEqual(8_192)
    for (const path of [few, many]) await within(path, (provider) => provider.restore('name', context))
  }
})

test('a description lists the newest 100 versions, however many there are', async () => {
  const path = temporaryPath()
  await withVersions(path, 130)
  const versions = (await opened(path).describe('name', context))?.versions
  expect(versions?.map(({ version }) => version)).toEqual(Array.from({ length: 100 }, (_, n) => n + 31))
})
