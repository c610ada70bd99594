import { DatabaseSync, type StatementResultingChanges, type StatementSync } from 'node:sqlite'
import { describe, expect, test, vi } from 'vitest'
import { context, failure, opened, temporaryPath, within } from './testing/temporary-store.ts'

/** Counts statements that read a row. */
function rowReads(): ReturnType<typeof vi.spyOn> {
  // of node:sqlite's statements
  const prototype = Object.getPrototypeOf(new DatabaseSync(':memory:').prepare('SELECT 1')) as { get: () => unknown }
  return vi.spyOn(prototype, 'get')
}

/** Makes every COMMIT fail, before or after it has reached the file. */
function failingCommits(reached: boolean): ReturnType<typeof vi.spyOn> {
  // of node:sqlite's statements
  const prototype = Object.getPrototypeOf(new DatabaseSync(':memory:').prepare('SELECT 1')) as StatementSync
  const run = prototype.run
  return vi.spyOn(prototype, 'run').mockImplementation(function (this: StatementSync, ...values: unknown[]) {
    if (this.sourceSQL === 'COMMIT' && !reached) throw new Error('the disk failed')
    const result: StatementResultingChanges = Reflect.apply(run, this, values)
    if (this.sourceSQL === 'COMMIT') throw new Error('the disk failed')
    return result
  })
}

describe('a secret that was read before', () => {
  test.each(['a text', Uint8Array.of(0, 255)])('is read by one look at whether anybody has changed the store: %s', async (value) => {
    const provider = opened(temporaryPath())
    await provider.put('name', { value }, context)
    await provider.get('name', context)
    const reads = rowReads()
    expect((await provider.get('name', context))?.value).toEqual(value)
    expect(reads).toHaveBeenCalledTimes(1)
    reads.mockRestore()
  })

  test('is returned as a new copy each time', async () => {
    const provider = opened(temporaryPath())
    await provider.put('name', { value: Uint8Array.of(1, 2, 3) }, context)
    for (const _ of ['from the file', 'from memory', 'from memory']) {
      const value = (await provider.get('name', context))?.value
      expect(value).toEqual(Uint8Array.of(1, 2, 3))
      if (value instanceof Uint8Array) value.fill(0)
    }
  })

  test('is the last write of this connection', async () => {
    const provider = opened(temporaryPath())
    for (const value of ['one', 'two', 'three']) {
      await provider.put('name', { value }, context)
      for (const _ of ['from the file', 'from memory']) expect((await provider.get('name', context))?.value).toBe(value)
    }
    await provider.delete('name', { purge: false }, context)
    expect(await failure(provider.get('name', context))).toMatchObject({ code: 'DELETED' })
  })

  test('is the last write of another connection, at once', async () => {
    const path = temporaryPath()
    const provider = opened(path)
    await provider.put('name', { value: 'ours' }, context)
    await within(path, async (other) => {
      for (const value of ['one', 'two', 'three']) {
        await other.put('name', { value }, context)
        for (const _ of ['from the file', 'from memory']) expect((await provider.get('name', context))?.value).toBe(value)
      }
      await other.delete('name', { purge: true }, context)
      expect(await provider.get('name', context)).toBeUndefined()
    })
  })

  test('is read from the file again after a failed commit, which may have reached it', async () => {
    for (const reached of [false, true]) {
      const provider = opened(temporaryPath())
      await provider.put('name', { value: 'one' }, context)
      await provider.get('name', context)
      const commits = failingCommits(reached)
      expect(await failure(provider.put('name', { value: 'two' }, context))).toMatchObject({ effect: 'unknown' })
      commits.mockRestore()
      expect((await provider.get('name', context))?.value).toBe(reached ? 'two' : 'one')
      expect((await provider.put('name', { value: 'three' }, context)).version).toBe(reached ? 3 : 2)
    }
  })

  test('is not cached if it is long', async () => {
    const provider = opened(temporaryPath())
    await provider.put('name', { value: 'x'.repeat(2_000) }, context)
    await provider.get('name', context)
    const reads = rowReads()
    expect((await provider.get('name', context))?.value).toHaveLength(2_000)
    expect(reads.mock.calls.length).toBeGreaterThan(1)
    reads.mockRestore()
  })
})
