import { copyFileSync, existsSync, renameSync } from 'node:fs'
import { afterEach, expect, test, vi } from 'vitest'
import { context, createStore, failure, opened, tamper, temporaryPath, within } from './testing/temporary-store.ts'

afterEach(() => void vi.useRealTimers())

const fakeTimers = { toFake: ['setInterval', 'clearInterval'] } as const

test('a commit of another connection calls back at the next probe, and once', async () => {
  const path = temporaryPath()
  await createStore(path)
  const store = opened(path)
  await store.get('token', context)
  vi.useFakeTimers({ toFake: [...fakeTimers.toFake] })
  const listener = vi.fn<(path?: string) => void>()
  store.changes(listener)
  vi.advanceTimersByTime(5_000)
  expect(listener).not.toHaveBeenCalled()
  await within(path, (other) => other.put('token', { value: 'v' }, context))
  vi.advanceTimersByTime(1_000)
  expect(listener.mock.calls).toEqual([[undefined]])
  vi.advanceTimersByTime(5_000)
  expect(listener).toHaveBeenCalledTimes(1)
})

test('a write of its own calls back with its path, and only if the current version changed', async () => {
  const store = opened(temporaryPath())
  const changed: (string | undefined)[] = []
  store.changes((path) => changed.push(path))
  await store.put('a', { value: 'v' }, context)
  await store.tag('a', { team: 'pay' }, context)
  const receipt = await store.staging.put('b', { value: 'v' }, context)
  await store.staging.promote('b', receipt, context)
  await store.staging.promote('b', receipt, context)
  await store.delete('a', { purge: false }, context)
  await store.restore('a', context)
  await store.delete('a', { purge: true }, context)
  await failure(store.put('a', { value: 'v', ifCurrent: { version: 9 } }, context))
  expect(changed).toEqual(['a', 'b', 'a', 'a', 'a'])
})

test('the store is watched only while somebody listens, and by one timer that holds no process', () => {
  vi.useFakeTimers({ toFake: [...fakeTimers.toFake] })
  const store = opened(temporaryPath())
  expect(vi.getTimerCount()).toBe(0)
  const ends = Array.from({ length: 100 }, () => store.changes(() => {}))
  expect(vi.getTimerCount()).toBe(1)
  for (const end of ends) end()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  const unref = vi.spyOn(Object.getPrototypeOf(setTimeout(() => {}, 0).unref()) as NodeJS.Timeout, 'unref')
  store.changes(() => {})
  expect(unref).toHaveBeenCalledTimes(1)
  unref.mockRestore()
})

test('a closed store watches nothing', async () => {
  vi.useFakeTimers({ toFake: [...fakeTimers.toFake] })
  const store = opened(temporaryPath())
  store.changes(() => {})
  await store.close()
  store.changes(() => {})
  expect(vi.getTimerCount()).toBe(0)
})

test('a probe creates no store, and needs no value', async () => {
  const path = temporaryPath()
  const store = opened(path)
  expect(await store.probe('token', context)).toBeUndefined()
  expect(existsSync(path)).toBe(false)
  const receipt = await store.put('token', { value: 'v' }, context)
  const reader = opened(path)
  tamper(path, "UPDATE secrets SET sealed = CAST(sealed || x'00' AS BLOB) WHERE path = 'token' AND version = 1")
  expect(await reader.probe('token', context)).toEqual(receipt)
  expect((await failure(reader.get('token', context))).code).toBe('INTEGRITY')
})

test('a probe of a store that was rolled back, replaced or altered is an error', async () => {
  const path = temporaryPath()
  await within(path, (store) => store.put('token', { value: 'v' }, context))
  const earlier = temporaryPath()
  copyFileSync(path, earlier)
  const store = opened(path)
  await store.put('token', { value: 'w' }, context)
  await store.probe('token', context)
  const tables = ['secrets', 'root', 'keys', 'upkeep']
  tamper(
    path,
    `ATTACH '${earlier}' AS old; ${tables.map((table) => `DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM old.${table}`).join(';')}`,
  )
  expect((await failure(store.probe('token', context))).code).toBe('INTEGRITY')

  const other = temporaryPath()
  await within(other, (writer) => writer.put('token', { value: 'v' }, context))
  const reader = opened(other)
  await reader.probe('token', context)
  copyFileSync(earlier, `${other}.new`)
  renameSync(`${other}.new`, other)
  expect((await failure(reader.probe('token', context))).code).toBe('UNAVAILABLE')

  const third = temporaryPath()
  await within(third, (writer) => writer.put('token', { value: 'v' }, context))
  tamper(third, "UPDATE secrets SET facts = replace(facts, '[', '[ ') WHERE path = 'token' AND version = 1")
  expect((await failure(opened(third).probe('token', context))).code).toBe('INTEGRITY')
})
