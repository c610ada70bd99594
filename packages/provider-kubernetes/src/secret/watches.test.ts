import { SecretsError } from '@finchat/secrets-core'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { KubeApi } from '../api/kube-api.ts'
import { SecretsPath } from '../api/secrets-path.ts'
import { context, providerOf, seed, stubApi } from '../testing/kube-harness.ts'
import type { KubernetesProvider } from '../kubernetes-provider.ts'
import type { StubApi } from '../testing/stub-api.ts'
import { SecretWatches } from './watches.ts'

/** A provider that has read `db` and watches it. Pauses end at once. */
async function watching(): Promise<{ api: StubApi; provider: KubernetesProvider; heard: (string | undefined)[] }> {
  vi.spyOn(Math, 'random').mockReturnValue(-1)
  onTestFinished(() => void vi.restoreAllMocks())
  const api = await stubApi()
  seed(api, 'db', { value: 'one' })
  const provider = providerOf(api)
  await provider.get('db', context)
  const heard: (string | undefined)[] = []
  onTestFinished(provider.changes((path) => heard.push(path)))
  await vi.waitFor(() => expect(api.watches).toBe(1), 20_000)
  return { api, provider, heard }
}

test('a watch is of one secret, by its name, and of metadata only', async () => {
  const { api, heard } = await watching()
  const watch = api.requests.at(-1)
  const query = new URL(watch?.url ?? '', api.url).searchParams
  expect(Object.fromEntries(query)).toEqual({
    watch: 'true',
    fieldSelector: 'metadata.name=db',
    allowWatchBookmarks: 'true',
    timeoutSeconds: '290',
  })
  expect(watch?.headers.accept).toContain('as=PartialObjectMetadata;')
  seed(api, 'db', { value: 'two' })
  await vi.waitFor(() => expect(heard).toEqual(['db']), 20_000)
})

test('what was read calls nobody back, and a secret that is read later is watched too', async () => {
  const { api, provider, heard } = await watching()
  expect(heard).toEqual([])
  seed(api, 'other/db', { value: 'one' })
  await provider.get('other/db', context)
  await vi.waitFor(() => expect(api.watches).toBe(2), 20_000)
  seed(api, 'other/db', { value: 'two' })
  await vi.waitFor(() => expect(heard).toEqual(['other/db']), 20_000)
})

test('a watch goes on after a bookmark, where the server ended it', async () => {
  const { api, heard } = await watching()
  api.cluster.bookmark()
  const at = api.cluster.revision
  await vi.waitFor(() => expect(api.watches).toBe(1), 20_000)
  api.endWatches()
  await vi.waitFor(() => expect(api.requests.at(-1)?.url).toContain(`resourceVersion=${at}`), 20_000)
  seed(api, 'db', { value: 'two' })
  await vi.waitFor(() => expect(heard).toEqual(['db']), 20_000)
})

test('after a compaction the current state is compared', async () => {
  const { api, heard } = await watching()
  api.endWatches()
  seed(api, 'db', { value: 'two' })
  api.cluster.compact()
  await vi.waitFor(() => expect(heard).toEqual(['db']), { timeout: 10_000 })
})

test('a deletion that a compaction hides calls back too', async () => {
  const { api, heard } = await watching()
  api.endWatches()
  api.cluster.remove('default', 'db')
  api.cluster.compact()
  await vi.waitFor(() => expect(heard).toEqual(['db']), { timeout: 10_000 })
})

test('a deletion calls back', async () => {
  const { api, heard } = await watching()
  api.cluster.remove('default', 'db')
  await vi.waitFor(() => expect(heard).toEqual(['db']), 20_000)
})

test('who may not watch is not asked again at once', async () => {
  const api = await stubApi()
  api.deniedVerbs.add('watch')
  const provider = providerOf(api)
  await provider.get('db', context)
  onTestFinished(provider.changes(() => {}))
  await vi.waitFor(() => expect(api.requests.length).toBe(2), 20_000)
  await provider.get('db', context)
  expect(api.requests.filter(({ url }) => url.includes('watch=')).length).toBe(1)
})

/** How often a watch begins within a time, where each one ends so. */
async function begunWithin(ms: number, end: () => Promise<void>): Promise<number> {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const tell = vi.fn<KubeApi['tell']>(end)
  const api = { tell, ask: async () => ({}) }
  const watches = new SecretWatches({ api, paths: new SecretsPath('default'), closing: new AbortController().signal })
  watches.saw('db', '1')
  onTestFinished(watches.listeners.add(() => {}))
  await vi.advanceTimersByTimeAsync(ms)
  return tell.mock.calls.length
}

test('a watch that ends at once without an event begins again ever later', async () => {
  expect(await begunWithin(600_000, async () => {})).toBeLessThan(30)
})

test('a watch waits as long as the server asks, and at most ten minutes', async () => {
  const limited = (seconds: number) => async () => {
    throw new SecretsError('RATE_LIMITED', 'slower', { retryAt: Date.now() + seconds * 1_000 })
  }
  expect(await begunWithin(100_000, limited(120))).toBe(1)
  vi.useRealTimers()
  expect(await begunWithin(1_300_000, limited(1e6))).toBe(3)
})

test('names without a secret keep no later secret from being watched', async () => {
  const { api, provider, heard } = await watching()
  for (let n = 0; n < 40; n++) await provider.get(`absent-${n}`, context)
  await vi.waitFor(() => expect(api.watches).toBe(32), 20_000)
  for (let n = 0; n < 31; n++) {
    seed(api, `later-${n}`, { value: 'one' })
    await provider.get(`later-${n}`, context)
  }
  await vi.waitFor(() => expect(watchedNames(api)).toContain('later-30'), 20_000)
  await vi.waitFor(() => expect(api.watches).toBe(32), 20_000)
  seed(api, 'later-30', { value: 'two' })
  seed(api, 'db', { value: 'two' })
  await vi.waitFor(() => expect(new Set(heard)).toEqual(new Set(['db', 'later-30'])), 20_000)
})

test('a secret that was deleted makes room, and one that is there does not', async () => {
  const { api, provider } = await watching()
  for (let n = 0; n < 31; n++) {
    seed(api, `secret-${n}`, { value: 'one' })
    await provider.get(`secret-${n}`, context)
  }
  await provider.get('absent', context)
  seed(api, 'next', { value: 'one' })
  await provider.get('next', context)
  await vi.waitFor(() => expect(api.watches).toBe(32), 20_000)
  expect(watchedNames(api)).not.toContain('next')
  await provider.delete('secret-7', { purge: true }, context)
  await provider.get('next', context)
  await vi.waitFor(() => expect(watchedNames(api)).toContain('next'), 20_000)
})

function watchedNames(api: StubApi): string[] {
  return api.requests.flatMap(({ url }) => new URL(url, api.url).searchParams.get('fieldSelector')?.split('=')[1] ?? [])
}

test('the last listener ends the watches', async () => {
  const api = await stubApi()
  const provider = providerOf(api)
  await provider.get('db', context)
  const end = provider.changes(() => {})
  await vi.waitFor(() => expect(api.watches).toBe(1), 20_000)
  end()
  await vi.waitFor(() => expect(api.watches).toBe(0), 20_000)
})
