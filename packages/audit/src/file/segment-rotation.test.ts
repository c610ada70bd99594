import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readKey } from '../format/folder-key.ts'
import { failure } from '../testing/file-handles.ts'
import { removeTestFolders, testFolder } from '../testing/folders.ts'
import { trialSink } from '../testing/trial-sink.ts'
import { type CheckpointOptions, CheckpointSender } from './checkpoint-sender.ts'
import { LockedFolder } from './locked-folder.ts'
import { leaveFolder, rotateAuditFolder } from './rotate-audit-folder.ts'
import { SegmentRotation } from './segment-rotation.ts'
import { SegmentWriter } from './segment-writer.ts'
import { UnrecordedEnds } from './unrecorded-ends.ts'

const nothing = (): void => {}
const hangs = (): Promise<never> => new Promise(() => {})

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})
afterAll(removeTestFolders)

async function rotationIn(checkpoints?: CheckpointOptions): Promise<{ rotation: SegmentRotation; folder: string }> {
  const { folder } = await testFolder()
  return { folder, rotation: new SegmentRotation({ folder, isDurable: true, maxSegmentBytes: 4_096, folderPer: undefined, checkpoints }) }
}

const toASink = (): CheckpointOptions => {
  const sink = trialSink('checkpoints')
  return { to: () => sink, everyMs: 1_000, sign: undefined }
}

/** Input and output are real, between two moments of the fake clock. */
async function settled(isDone: () => boolean, most = 200_000): Promise<void> {
  for (let turns = 0; turns < most && !isDone(); turns += 1) await new Promise((resolve) => setImmediate(resolve))
}

const isPlanned = (): boolean => vi.getTimerCount() > 0

describe('a record whose segment cannot be opened in time', () => {
  it.each([
    [Infinity, 5_000],
    [10_000, 5_000],
    [1_000, 950],
    [-1, 0],
  ])('with %d ms left is refused after %d ms, for the lock that others have', async (left, refusedAfter) => {
    const { rotation } = await rotationIn()
    vi.spyOn(SegmentWriter, 'open').mockImplementation(hangs)
    const start = performance.now()
    let took: number | undefined
    const meanwhile = vi.fn<() => void>()
    const refused = rotation.writer(start + left, meanwhile).catch((error: unknown) => ((took = performance.now() - start), error))
    await vi.advanceTimersByTimeAsync(6_000)
    expect([took, meanwhile.mock.calls.length]).toEqual([refusedAfter, 1])
    expect(await refused).toMatchObject({ code: 'AUDIT_FAILED', message: expect.stringContaining('folder.lock') })
  })

  it('does not keep the next one from waiting for the same segment', async () => {
    const { rotation } = await rotationIn()
    const open = vi.spyOn(SegmentWriter, 'open').mockImplementation(hangs)
    for (let count = 0; count < 2; count += 1) {
      const refused = rotation.writer(-1, nothing).catch((error: unknown) => error)
      await vi.advanceTimersByTimeAsync(1)
      expect(await refused).toMatchObject({ code: 'AUDIT_FAILED' })
    }
    expect(open).toHaveBeenCalledTimes(1)
  })

  it('leaves the end of the one before to the next', async () => {
    const { rotation } = await rotationIn()
    const first = await rotation.writer(Infinity, nothing)
    vi.spyOn(first, 'bytes', 'get').mockReturnValue(4_096)
    const open = vi.spyOn(SegmentWriter, 'open').mockRejectedValueOnce(failure('ENOSPC'))
    const find = vi.spyOn(UnrecordedEnds, 'find')
    await expect(rotation.writer(Infinity, nothing)).rejects.toMatchObject({ code: 'ENOSPC' })
    await settled(() => false, 100)
    expect(find).not.toHaveBeenCalled()
    await rotation.writer(Infinity, nothing)
    expect(open.mock.calls.map(([, ended]) => ended.map(({ segment }) => segment.step))).toEqual([[1], [1]])
    await rotation.close()
  })

  it('is refused for the reason that is known, and the next one tries again', async () => {
    const { rotation } = await rotationIn()
    const open = vi.spyOn(SegmentWriter, 'open').mockRejectedValue(failure('ENOSPC'))
    for (let count = 1; count <= 2; count += 1) {
      await expect(rotation.writer(Infinity, nothing)).rejects.toMatchObject({ code: 'ENOSPC' })
      expect(open).toHaveBeenCalledTimes(count)
    }
    open.mockImplementation(hangs)
    const refused = rotation.writer(performance.now() + 100, nothing).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(100)
    expect(await refused).toMatchObject({ code: 'AUDIT_FAILED' })
  })
})

describe('a segment', () => {
  it('is waited for a minute, in the background, until the rotation is closed', async () => {
    const { rotation, folder } = await rotationIn()
    const open = vi.spyOn(SegmentWriter, 'open')
    await rotation.writer(Infinity, nothing)
    const [options, ended, waiting] = open.mock.calls[0] ?? []
    expect([options?.folder, ended, waiting?.patienceMs, waiting?.signal?.aborted]).toEqual([folder, [], 60_000, false])
    await rotation.close()
    expect(waiting?.signal?.aborted).toBe(true)
  })

  it('is opened ahead at a random time within a second, and again within ten if that fails', async () => {
    vi.mocked(Math.random).mockReturnValue(1)
    const { rotation } = await rotationIn()
    const open = vi.spyOn(SegmentWriter, 'open').mockRejectedValue(failure('ENOSPC'))
    const calls: number[] = []
    for (const ms of [999, 1, 9_999, 1]) {
      await vi.advanceTimersByTimeAsync(ms)
      await settled(isPlanned)
      calls.push(open.mock.calls.length)
    }
    expect(calls).toEqual([0, 1, 1, 2])
    open.mockRestore()
    await vi.advanceTimersByTimeAsync(10_000)
    await rotation.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is opened ahead without haste until a record waits for it', async () => {
    const { rotation } = await rotationIn()
    const open = vi.spyOn(SegmentWriter, 'open').mockImplementation(hangs)
    await vi.advanceTimersByTimeAsync(500)
    const isUrgent = vi.fn<() => void>()
    void open.mock.calls[0]?.[2]?.urgent?.then(isUrgent)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(isUrgent).not.toHaveBeenCalled()
    const refused = rotation.writer(-1, nothing).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(1)
    expect([isUrgent.mock.calls.length, open.mock.calls.length, await refused]).toMatchObject([1, 1, { code: 'AUDIT_FAILED' }])
  })

  it('is opened ahead once if that succeeds, also if it takes long', async () => {
    const { rotation } = await rotationIn()
    const open = vi.spyOn(SegmentWriter, 'open')
    await vi.advanceTimersByTimeAsync(500)
    await vi.advanceTimersByTimeAsync(10_000)
    await open.mock.results[0]?.value
    await settled(isPlanned)
    await vi.advanceTimersByTimeAsync(20_000)
    await settled(() => open.mock.calls.length > 1, 1_000)
    expect(open).toHaveBeenCalledTimes(1)
    await rotation.close()
  })

  it('that was opened ahead and cannot be ended has no key any more', async () => {
    const { rotation } = await rotationIn(toASink())
    const open = vi.spyOn(SegmentWriter, 'open')
    await vi.advanceTimersByTimeAsync(500)
    const writer: SegmentWriter = await open.mock.results[0]?.value
    await settled(isPlanned)
    vi.spyOn(writer, 'end').mockRejectedValue(failure('EIO'))
    const wipe = vi.spyOn(writer, 'wipe')
    vi.useRealTimers()
    await rotation.close()
    expect(wipe).toHaveBeenCalledTimes(1)
  })

  it('is opened ahead no more once a record has one, or the rotation is closed', async () => {
    const { rotation } = await rotationIn()
    const open = vi.spyOn(SegmentWriter, 'open')
    await rotation.writer(Infinity, nothing)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(open).toHaveBeenCalledTimes(1)
    await rotation.close()
    const other = await rotationIn()
    await other.rotation.close()
    expect(vi.getTimerCount()).toBe(0)
    expect(open).toHaveBeenCalledTimes(1)
  })
})

describe('the ends of segments', () => {
  it('are recorded at closing within two and a half seconds, after up to 64 looks at those of others', async () => {
    const { rotation, folder } = await rotationIn()
    await rotation.writer(Infinity, nothing)
    const [lock, find] = [vi.spyOn(LockedFolder, 'lock'), vi.spyOn(UnrecordedEnds, 'find')]
    await rotation.close()
    expect(lock.mock.calls.map(([, wait]) => wait.patienceMs)).toEqual([2_500])
    expect(find.mock.calls).toEqual([[folder, [expect.objectContaining({ segment: expect.objectContaining({ step: 1 }) })], 64]])
  })

  it('of others are looked for at random times of about ten seconds, then ten minutes, 16 at a time', async () => {
    vi.mocked(Math.random).mockReturnValue(1)
    const { rotation, folder } = await rotationIn()
    await rotation.writer(Infinity, nothing)
    const find = vi.spyOn(UnrecordedEnds, 'find')
    const counts: number[] = []
    for (const ms of [14_999, 1, 899_999, 1]) {
      await vi.advanceTimersByTimeAsync(ms)
      await settled(isPlanned)
      counts.push(find.mock.calls.length)
    }
    expect([counts, find.mock.calls[0]]).toEqual([
      [0, 1, 1, 2],
      [folder, [], 16],
    ])
    await rotation.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('of others are recorded within two seconds, and looked for again soon where there were some', async () => {
    const { rotation, folder } = await rotationIn()
    await rotation.writer(Infinity, nothing)
    const dead = await SegmentWriter.open({ folder, isDurable: true }, [])
    await dead.release()
    const [lock, find] = [vi.spyOn(LockedFolder, 'lock'), vi.spyOn(UnrecordedEnds, 'find')]
    await vi.advanceTimersByTimeAsync(10_000)
    await settled(() => lock.mock.calls.length > 0)
    expect(lock.mock.calls.map(([, wait]) => wait.patienceMs)).toEqual([2_000])
    await settled(isPlanned)
    await vi.advanceTimersByTimeAsync(10_000)
    await settled(() => find.mock.calls.length > 1)
    expect([find.mock.calls.length, lock.mock.calls.length]).toEqual([2, 1])
    await rotation.close()
  })
})

describe('a look at the segments of others', () => {
  it('is in a checkpoint if one of them was recorded, and only then', async () => {
    const { rotation, folder } = await rotationIn(toASink())
    await rotation.writer(Infinity, nothing)
    const [stepped, find] = [vi.spyOn(CheckpointSender.prototype, 'stepped'), vi.spyOn(UnrecordedEnds, 'find')]
    await vi.advanceTimersByTimeAsync(10_000)
    await settled(() => find.mock.calls.length > 0)
    await settled(isPlanned)
    expect(stepped).not.toHaveBeenCalled()
    const dead = await SegmentWriter.open({ folder, isDurable: true }, [])
    await dead.release()
    await vi.advanceTimersByTimeAsync(600_000)
    await settled(() => stepped.mock.calls.length > 0)
    expect(stepped.mock.calls).toEqual([[expect.objectContaining({ step: 3 })]])
    vi.useRealTimers()
    await rotation.close()
  })

  it('that failed is not repeated soon', async () => {
    const { rotation } = await rotationIn()
    await rotation.writer(Infinity, nothing)
    const find = vi.spyOn(UnrecordedEnds, 'find').mockRejectedValueOnce(failure('EIO'))
    const counts: number[] = []
    for (const ms of [10_000, 599_999, 1]) {
      await vi.advanceTimersByTimeAsync(ms)
      await settled(isPlanned)
      counts.push(find.mock.calls.length)
    }
    expect(counts).toEqual([1, 1, 2])
    await rotation.close()
  })
})

describe('a process without records, whose trail went on in another folder', () => {
  it('opens one segment there, however often it looks at others', async () => {
    const { rotation, folder } = await rotationIn()
    await rotation.writer(Infinity, nothing)
    await leaveFolder(folder)
    const open = vi.spyOn(SegmentWriter, 'open')
    for (let looks = 0; looks < 4; looks += 1) {
      await vi.advanceTimersByTimeAsync(600_000)
      await settled(isPlanned)
    }
    expect(open).toHaveBeenCalledTimes(1)
    await rotation.close()
  })

  it('ends the one there once the trail went on again', async () => {
    const { rotation, folder } = await rotationIn()
    await rotation.writer(Infinity, nothing)
    const [open, end] = [vi.spyOn(SegmentWriter, 'open'), vi.spyOn(SegmentWriter.prototype, 'end')]
    for (let rotations = 0; rotations < 3; rotations += 1) await rotateAuditFolder(folder)
    const opened = open.mock.settledResults.flatMap(({ type, value }) => (type === 'fulfilled' ? [value] : []))
    expect([opened.length, end.mock.contexts]).toEqual([3, opened.slice(0, 2)])
    await rotation.close()
    for (const { folder: left } of opened) expect((await readKey(left)).live, left).toEqual([])
  })
})

describe("a new day's segment", () => {
  const day = 86_400_000

  it('that could not be opened is tried again at a random time from five to ten seconds later', async () => {
    const { rotation } = await rotationIn()
    const first = await rotation.writer(Infinity, nothing)
    const open = vi.spyOn(SegmentWriter, 'open').mockRejectedValue(failure('ENOSPC'))
    vi.setSystemTime((Math.floor(Date.now() / day) + 1) * day + 150_000)
    expect(await rotation.writer(Infinity, nothing)).toBe(first)
    const calls: number[] = []
    for (const ms of [0, 7_499, 1]) {
      await vi.advanceTimersByTimeAsync(ms)
      expect(await rotation.writer(Infinity, nothing)).toBe(first)
      calls.push(open.mock.calls.length)
    }
    expect(calls).toEqual([1, 1, 2])
    open.mockRestore()
    await rotation.close()
  })

  it('follows the one of the day before, whose end is recorded within two seconds', async () => {
    const { rotation } = await rotationIn()
    const first = await rotation.writer(Infinity, nothing)
    vi.setSystemTime((Math.floor(Date.now() / day) + 1) * day + 149_999)
    expect(await rotation.writer(Infinity, nothing)).toBe(first)
    const open = vi.spyOn(SegmentWriter, 'open')
    vi.setSystemTime(Date.now() + 1)
    expect(await rotation.writer(Infinity, nothing)).toBe(first)
    await open.mock.results[0]?.value
    const lock = vi.spyOn(LockedFolder, 'lock')
    const second = await rotation.writer(Infinity, nothing)
    await settled(() => lock.mock.calls.length > 0)
    expect([second.step, lock.mock.calls.map(([, wait]) => wait.patienceMs)]).toEqual([2, [2_000]])
    expect(vi.getTimerCount()).toBe(1) // the looks at others, once
    const find = vi.spyOn(UnrecordedEnds, 'find')
    await lock.mock.results[0]?.value
    await rotation.close()
    expect(find.mock.calls.map(([, ended]) => ended.map(({ segment }) => segment.step))).toEqual([[2]])
  })

  it('follows the one of the day before, whose end is recorded at the next look at others if that failed', async () => {
    const { rotation } = await rotationIn()
    await rotation.writer(Infinity, nothing)
    const open = vi.spyOn(SegmentWriter, 'open')
    vi.setSystemTime((Math.floor(Date.now() / day) + 1) * day + 150_000)
    await rotation.writer(Infinity, nothing)
    await open.mock.results[0]?.value
    const lock = vi.spyOn(LockedFolder, 'lock').mockRejectedValueOnce(failure('EIO'))
    const find = vi.spyOn(UnrecordedEnds, 'find')
    await rotation.writer(Infinity, nothing)
    await settled(() => lock.mock.calls.length > 0)
    await vi.advanceTimersByTimeAsync(10_000)
    await settled(() => lock.mock.calls.length > 1)
    expect(find.mock.calls.slice(0, 2).map(([, ended]) => ended.map(({ segment }) => segment.step))).toEqual([[1], [1]])
    expect(lock.mock.calls.map(([, wait]) => wait.patienceMs)).toEqual([2_000, 2_000])
    await rotation.close()
  })
})
