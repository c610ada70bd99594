import { DatabaseSync } from 'node:sqlite'
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

/** How many rows are read and statements run by the call, on a store that was just opened and knows nothing. */
async function statementsOf(path: string, call: (provider: LocalProvider) => Promise<unknown>): Promise<number> {
  const provider = opened(path, { keepVersions: 'all' })
  await provider.checkHealth(context)
  const statement = Object.getPrototypeOf(new DatabaseSync(':memory:').prepare('SELECT 1')) as { get: () => unknown; run: () => unknown } // of node:sqlite
  const [get, run] = [vi.spyOn(statement, 'get'), vi.spyOn(statement, 'run')]
  await call(provider)
  const count = get.mock.calls.length + run.mock.calls.length
  get.mockRestore()
  run.mockRestore()
  await provider.close()
  return count
}

test('no call takes more than a few statements more at 2,000 versions than at ten', async () => {
  const [few, many] = [temporaryPath(), temporaryPath()]
  await withVersions(few, 10)
  await withVersions(many, 2_000)
  for (const [what, call] of Object.entries(calls)) {
    const [atTen, at2000] = [await statementsOf(few, call), await statementsOf(many, call)]
    expect(at2000 - atTen, what).toBeLessThanOrEqual(12) // two nodes are read and written for each version that changes
    expect(at2000 - atTen, what).toBeGreaterThanOrEqual(0)
    for (const path of [few, many]) await within(path, (provider) => provider.restore('name', context))
  }
})

test('a description lists the newest 100 versions, however many there are', async () => {
  const path = temporaryPath()
  await withVersions(path, 130)
  const versions = (await opened(path).describe('name', context))?.versions
  expect(versions?.map(({ version }) => version)).toEqual(Array.from({ length: 100 }, (_, n) => n + 31))
})
