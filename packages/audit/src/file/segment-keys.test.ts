import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { ChainKey } from '../keys/key-chain.ts'
import { failure, fileHandle } from '../testing/file-handles.ts'
import { removeTestFolders, testFolder } from '../testing/folders.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'
import { SegmentRotation } from './segment-rotation.ts'
import { SegmentWriter } from './segment-writer.ts'

afterEach(() => void vi.restoreAllMocks())
afterAll(removeTestFolders)

const lines = (count: number): string[] => Array.from({ length: count }, (_, at) => `{"seq":${at}}`)
const nothing = (): void => {}

/** Returns how many of the keys that are derived from now on could still be used. */
function usableKeys(): () => number {
  const made: ChainKey[] = []
  const derive = ChainKey.prototype.derived
  vi.spyOn(ChainKey.prototype, 'derived').mockImplementation(function (this: ChainKey, purpose) {
    const key = derive.call(this, purpose)
    made.push(key)
    return key
  })
  const isUsable = (key: ChainKey): boolean => {
    try {
      return key.mac('seal').length > 0
    } catch {
      return false
    }
  }
  return () => made.filter(isUsable).length
}

async function opened(): Promise<{ folder: string; key: string; writer: SegmentWriter; usable: () => number }> {
  const { folder, key } = await testFolder()
  const usable = usableKeys()
  return { folder, key, writer: await SegmentWriter.open({ folder, isDurable: true }, []), usable }
}

/** Lets the first of these calls fail; of several `write`s, the first one of such a text. */
async function failOnce(method: 'write' | 'datasync', text: RegExp = /^/): Promise<void> {
  const handles = await fileHandle()
  const usual = handles[method]
  let isOver = false
  vi.spyOn(handles, method).mockImplementation(async function (this: unknown, ...args: unknown[]) {
    if (isOver || !text.test(String(args[0]))) return Reflect.apply(usual, this, args)
    isOver = true
    throw failure('EIO')
  })
}

describe('an open segment', () => {
  it('has the key of its next group alone, and none once it is wiped', async () => {
    const { writer, usable } = await opened()
    const counts = [usable()]
    for (const count of [1, 64, 200]) {
      await writer.append(lines(count), nothing)
      counts.push(usable())
    }
    await writer.end()
    counts.push(usable())
    writer.wipe()
    expect([...counts, usable()]).toEqual([1, 1, 1, 1, 1, 0])
  })

  it('keeps its key if there is nothing to write', async () => {
    const { folder, key, writer } = await opened()
    await writer.append([], nothing)
    await writer.append(lines(1), nothing)
    await writer.end()
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ problem: undefined })
  })

  it.each(['write', 'datasync'] as const)('has no key of groups whose %s failed', async (method) => {
    const { writer, usable } = await opened()
    await failOnce(method)
    await expect(writer.append(lines(200), nothing)).rejects.toMatchObject({ code: 'EIO' })
    expect(usable()).toBe(1)
    await writer.release()
  })

  it('has no key of groups for which there was no memory', async () => {
    const { writer, usable } = await opened()
    vi.spyOn(Buffer, 'allocUnsafeSlow').mockImplementationOnce(() => {
      throw new RangeError('Array buffer allocation failed')
    })
    await expect(writer.append([...lines(64), 'x'.repeat(300_000)], nothing)).rejects.toThrow('allocation')
    expect(usable()).toBe(1)
    await writer.end()
  })

  it('has not ended, and has no key of its end, if that cannot be forced to disk', async () => {
    const { writer, usable } = await opened()
    await failOnce('datasync')
    await expect(writer.end()).rejects.toMatchObject({ code: 'EIO' })
    expect(usable()).toBe(1)
    await writer.release()
  })
})

it('a rotation that is closed has no key of its segment', async () => {
  const { folder } = await testFolder()
  const usable = usableKeys()
  const rotation = new SegmentRotation({ folder, isDurable: true, maxSegmentBytes: 4_096, folderPer: undefined, checkpoints: undefined })
  await rotation.writer(Infinity, nothing)
  await rotation.close()
  expect(usable()).toBe(0)
})

describe('a segment that cannot be opened', () => {
  it.each<[string, 'write' | 'datasync', RegExp?]>([
    ['its header cannot be written', 'write', /"kind":"segment"/],
    ['its header cannot be forced to disk', 'datasync'],
    ["the folder's next key cannot be written beside it", 'write', /"live"/],
  ])('leaves no key behind, as where %s', async (_, method, text) => {
    const { folder } = await testFolder()
    const usable = usableKeys()
    await failOnce(method, text)
    await expect(SegmentWriter.open({ folder, isDurable: true }, [])).rejects.toMatchObject({ code: 'EIO' })
    expect(usable()).toBe(0)
  })
})
