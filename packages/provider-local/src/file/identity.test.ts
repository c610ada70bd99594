import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { LocalProvider } from '../local-provider.ts'
import { emptyRecord } from '../record/secret-record.ts'
import { checkedOptions } from '../store/options.ts'
import { Store } from '../store/store.ts'
import { otherProcess } from '../testing/other-process.ts'
import { context, createStore, failure, key, opened, temporaryFolder, temporaryPath, within } from '../testing/temporary-store.ts'

const taken = { code: 'UNAVAILABLE', problem: expect.stringContaining('was moved, replaced or removed while it was open') }

/** Writes once, and closes the store, in another process. */
async function writeElsewhere(path: string): Promise<void> {
  const other = await otherProcess(path, 1)
  await other.start()
  await other.exited
}

async function expectTaken(provider: LocalProvider): Promise<void> {
  const calls = [
    provider.get('name', context),
    provider.put('name', { value: 'lost' }, context),
    provider.describe('name', context),
    provider.checkHealth(context),
  ]
  for (const outcome of await Promise.all(calls.map(failure))) expect(outcome).toMatchObject(taken)
}

describe('an open store whose files were replaced', () => {
  afterEach(() => void vi.useRealTimers())
  const cases = [['-wal'], ['-shm'], ['-wal', '-shm']].flatMap((gone) => [0, 1_000].map((aheadMs) => ({ gone, aheadMs })))

  for (const { gone, aheadMs } of cases) {
    const when = aheadMs === 0 ? 'just after it was opened' : 'after it was found in order and has been left alone for a while'
    test(`returns and acknowledges nothing after ${gone.join(' and ')} was removed ${when}`, async () => {
      const path = temporaryPath()
      const provider = opened(path)
      await provider.put('name', { value: 'value' }, context)
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + aheadMs })
      for (const _ of ['from the file', 'from memory']) expect((await provider.get('name', context))?.value).toBe('value')
      for (const suffix of gone) unlinkSync(path + suffix)
      await expectTaken(provider)
      await provider.close()
      // no other process wrote in between
      expect((await opened(path).get('name', context))?.value).toBe('value')
    })
  }

  test('does not write its log over newer writes of others when it closes', async () => {
    const path = temporaryPath()
    await createStore(path)
    const provider = opened(path)
    await provider.put('name', { value: 'value' }, context)
    for (const suffix of ['-wal', '-shm']) unlinkSync(path + suffix)
    await writeElsewhere(path)
    await expectTaken(provider)
    await provider.close()
    expect((await opened(path).get('counted', context))?.version).toBe(1)
  })

  test('loses no acknowledged write when this process read them and so dropped its locks', async () => {
    const path = temporaryPath()
    const provider = opened(path)
    await provider.put('name', { value: 'value' }, context)
    for (const suffix of ['', '-wal', '-shm']) readFileSync(path + suffix) // a wrong way to back up
    await writeElsewhere(path)
    const [write] = await Promise.allSettled([provider.put('name', { value: 'again' }, context)])
    await provider.close()
    expect((await opened(path).get('counted', context))?.version).toBe(1)
    expect((await opened(path).get('name', context))?.value).toBe(write.status === 'fulfilled' ? 'again' : 'value')
  })

  test('does not return a secret that was deleted in the copy that replaced it', async () => {
    const path = temporaryPath()
    await within(path, (provider) => provider.put('name', { value: 'value' }, context))
    const provider = opened(path)
    await provider.get('name', context)
    execFileSync('sh', ['-c', 'cp "$0" "$0.copy" && mv "$0.copy" "$0"', path])
    await expectTaken(provider)
  })

  test('during a commit reports that the effect is unknown', async () => {
    const path = temporaryPath()
    const store = new Store(checkedOptions({ path, key }))
    const write = store.write(context, (edit) => {
      edit.save({ ...emptyRecord('name'), lastVersion: 1 })
      unlinkSync(`${path}-wal`)
    })
    expect(await failure(write)).toMatchObject({ ...taken, effect: 'unknown' })
    store.close()
  })
})

describe('a second name of the file', () => {
  const twoNames = { code: 'CONFIGURATION', problem: expect.stringContaining('has another name, a hard link') }

  test('is refused, because it has its own log', async () => {
    const path = temporaryPath()
    await createStore(path)
    const provider = opened(path)
    await provider.get('name', context)
    linkSync(path, `${path}.second`)
    expect(await failure(opened(`${path}.second`).get('name', context))).toMatchObject(twoNames)
    expect(await failure(provider.put('name', { value: '' }, context))).toMatchObject(twoNames)
    unlinkSync(`${path}.second`)
    expect((await provider.put('name', { value: '' }, context)).version).toBe(1)
  })

  test('left by an unfinished creation is removed', async () => {
    const path = temporaryPath()
    await createStore(path)
    linkSync(path, `${path}.0123456789ab.new`)
    expect(await opened(path).get('name', context)).toBeUndefined()
    expect(readdirSync(dirname(path)).filter((name) => name.endsWith('.new'))).toEqual([])
  })
})

describe('files beside the store', () => {
  test('that are no log are refused before SQLite follows, reads or waits for them', async () => {
    const victim = join(temporaryFolder(), 'victim')
    writeFileSync(victim, 'content')
    const plant = (kind: string, path: string): unknown => {
      if (kind === 'a file') return writeFileSync(path, 'anything')
      if (kind === 'a folder') return mkdirSync(path)
      return kind === 'a link' ? symlinkSync(victim, path) : execFileSync('mkfifo', [path])
    }
    for (const suffix of ['-journal', '-wal', '-shm']) {
      for (const kind of ['a link', 'a folder', 'a pipe', ...(suffix === '-journal' ? ['a file'] : [])]) {
        const path = temporaryPath()
        await createStore(path)
        plant(kind, path + suffix)
        for (const outcome of await Promise.all(
          [opened(path).get('name', context), opened(path).put('name', { value: '' }, context)].map(failure),
        ))
          expect(outcome).toMatchObject({ code: 'INTEGRITY', problem: expect.stringContaining(`secrets.db${suffix}`) })
      }
    }
    expect(readFileSync(victim, 'utf8')).toBe('content')
  })
})

test('a link to a store keeps the log beside the store, and a changed link is noticed', async () => {
  const [folder, path] = [temporaryFolder(), temporaryPath()]
  await createStore(path)
  const link = join(folder, 'link.db')
  symlinkSync(path, link)
  const provider = opened(link)
  await provider.put('name', { value: 'value' }, context)
  expect(readdirSync(folder)).toEqual(['link.db'])
  unlinkSync(link)
  await expectTaken(provider)
})
