import { chmod, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditEvent, AuditRecord } from '@finchat/secrets-core'
import { leaksOf, testAuditSink, testAuditTrail } from '@finchat/secrets-testkit'
import { afterAll, afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest'
import { initAuditFolder } from './init-audit-folder.ts'
import { auditTrail } from '../trail/audit-trail.ts'
import { FileLock } from './file-lock.ts'
import { jsonLinesFile, type JsonLinesFileOptions } from './file-sink.ts'
import { toEcs } from '../siem/ecs.ts'
import { toOcsf } from '../siem/ocsf.ts'
import { RecordMaker } from '../record/record-maker.ts'
import { SegmentWriter } from './segment-writer.ts'
import { syslogSink } from '../syslog.ts'
import { failure, fileHandle } from '../testing/file-handles.ts'
import { context, event, linesIn, recordsIn, removeTestFolders, testFolder, trailOf, written } from '../testing/folders.ts'
import { streamServer } from '../testing/syslog-server.ts'
import { trialSink } from '../testing/trial-sink.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue()) // of each outage that a test makes
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})
afterAll(removeTestFolders)

describe('a trail in a file keeps the contract', () => {
  testAuditTrail({
    test,
    createHarness: async () => {
      const { folder } = await testFolder()
      const recorded = async (): Promise<AuditEvent[]> => (await recordsIn(folder)).filter(({ operation }) => operation !== 'gap')
      const breakTrail = async (): Promise<() => Promise<void>> => {
        const fault = vi.spyOn(await fileHandle(), 'write').mockRejectedValue(failure('ENOSPC'))
        return async () => fault.mockRestore()
      }
      return {
        trail: auditTrail({ sinks: [jsonLinesFile({ folder })], sinkDeadlineMs: 15_000 }),
        recorded,
        breakTrail,
        close: async () => {},
      }
    },
  })
})

describe('a file keeps the contract of a sink', () => {
  testAuditSink({
    test,
    createHarness: async () => {
      const { folder } = await testFolder()
      const arrived = async (): Promise<string[]> => (await recordsIn(folder)).map((record) => JSON.stringify(record))
      const breakSink = async (): Promise<() => Promise<void>> => {
        const fault = vi.spyOn(await fileHandle(), 'datasync').mockRejectedValue(failure('EIO'))
        return async () => fault.mockRestore()
      }
      return { sink: jsonLinesFile({ folder }), arrived, breakSink, close: async () => {} }
    },
  })
})

describe('a folder', () => {
  it('holds files for their owner alone, and no key of what was sealed', async () => {
    const { folder, key } = await trailOf(10)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    for (const name of await readdir(folder)) {
      expect([name, (await stat(join(folder, name))).mode & 0o777]).toEqual([name, 0o600])
      expect(await readFile(join(folder, name), 'utf8')).not.toContain(key)
    }
  })

  it('is made ready once', async () => {
    const { folder } = await testFolder()
    await expect(initAuditFolder(folder)).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining('already has a key'),
    })
  })

  it('has a path', async () => {
    await expect(initAuditFolder('')).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })

  it('is not made of one that holds something else', async () => {
    const { checkpoints } = await trailOf(1)
    await expect(initAuditFolder(checkpoints)).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining('not empty'),
    })
  })

  it.each(['', 'key.json', 'index.jsonl'])('that has lost its state (%j) refuses, and says what to do', async (missing) => {
    const { folder } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await rm(join(folder, missing), { recursive: true })
    await expect(sink.write(recordOf(), context)).rejects.toMatchObject({ message: expect.stringContaining('audit trail') })
    await sink.close?.(context)
  })

  it('whose index was cut refuses, rather than go on as if nothing had happened', async () => {
    const { folder } = await trailOf(3)
    const path = join(folder, 'index.jsonl')
    await writeFile(path, (await readFile(path, 'utf8')).split('\n').slice(0, 1).join('\n') + '\n')
    const sink = jsonLinesFile({ folder })
    await expect(sink.write(recordOf(), context)).rejects.toMatchObject({ code: 'INTEGRITY' })
    await sink.close?.(context)
  })
})

function recordOf(overrides: Partial<AuditEvent> = {}): AuditRecord {
  return new RecordMaker({ service: 'test', hashName: undefined }).record({ ...event, ...overrides })
}

describe('a commit', () => {
  it('is one for all that come at once', async () => {
    const { folder } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await written(sink, 1)
    const syncs = vi.spyOn(await fileHandle(), 'datasync')
    await Promise.all(Array.from({ length: 512 }, () => sink.write(recordOf(), context)))
    expect(syncs.mock.calls.length).toBe(1)
    await sink.close?.(context)
  })

  it('is acknowledged only when it is on disk', async () => {
    const { folder } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await written(sink, 1)
    const synced = Promise.withResolvers<void>()
    const sync = vi.spyOn(await fileHandle(), 'datasync').mockReturnValueOnce(synced.promise)
    let isAcknowledged = false
    const writing = sink.write(recordOf(), context).then(() => (isAcknowledged = true))
    await vi.waitFor(() => expect(sync).toHaveBeenCalled(), 20_000)
    await new Promise((resolve) => setImmediate(resolve))
    expect(isAcknowledged).toBe(false)
    synced.resolve()
    await writing
    await sink.close?.(context)
  })

  it('that is done lets those who waited for it go on while the next one is on its way', async () => {
    const { folder } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await written(sink, 1)
    const disk = { first: Promise.withResolvers<void>(), second: Promise.withResolvers<void>() }
    const sync = vi.spyOn(await fileHandle(), 'datasync')
    sync.mockReturnValueOnce(disk.first.promise).mockReturnValueOnce(disk.second.promise)
    const ended: string[] = []
    const writing = [sink.write(recordOf(), context).then(() => ended.push('first'))]
    await vi.waitFor(() => expect(sync).toHaveBeenCalledTimes(1), 20_000)
    writing.push(sink.write(recordOf(), context).then(() => ended.push('second')))
    disk.first.resolve()
    await vi.waitFor(() => expect(sync).toHaveBeenCalledTimes(2), 20_000)
    await new Promise((resolve) => setImmediate(resolve))
    expect(ended).toEqual(['first'])
    disk.second.resolve()
    await Promise.all(writing)
    await sink.close?.(context)
  })

  it('that is done is acknowledged though the next one cannot be written', async () => {
    const { folder } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await written(sink, 1)
    const handles = await fileHandle()
    const disk = Promise.withResolvers<void>()
    const sync = vi.spyOn(handles, 'datasync').mockReturnValueOnce(disk.promise)
    const done = sink.write(recordOf(), context)
    await vi.waitFor(() => expect(sync).toHaveBeenCalled(), 20_000)
    const next = sink.write(recordOf(), context)
    vi.spyOn(handles, 'write').mockRejectedValueOnce(failure('ENOSPC'))
    disk.resolve()
    await expect(next).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    await done
    await sink.close?.(context)
  })

  it('takes along as many as come while a slow disk works', async () => {
    const { folder } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await written(sink, 1)
    vi.spyOn(performance, 'now').mockReturnValueOnce(1_000).mockReturnValueOnce(1_010) // ms: enough for 2,560
    await sink.write(recordOf(), context)
    const syncs = vi.spyOn(await fileHandle(), 'datasync')
    await Promise.all(Array.from({ length: 3_000 }, () => sink.write(recordOf(), context)))
    expect(syncs.mock.calls.length).toBe(2)
    await sink.close?.(context)
  })

  it('does without the disk if that was asked for', async () => {
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder, durable: false })
    await written(sink, 1)
    const syncs = vi.spyOn(await fileHandle(), 'datasync')
    await sink.write(recordOf(), context)
    expect([sink.durable, syncs.mock.calls.length]).toEqual([false, 0])
    await sink.close?.(context)
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 2 })
  })

  it.each([
    ['ENOSPC', 'the disk of the audit trail is full'],
    ['EDQUOT', 'the disk quota of the audit trail is used up'],
    ['EROFS', 'the file system of the audit trail is read-only'],
    ['EIO', 'the disk of the audit trail reported an input or output error'],
    ['ERR_ACCESS_DENIED', 'this process may not read or write the folder'],
    ['ESOMETHING', 'for an unknown reason'],
  ])('that ends in %s says so, leaves nothing behind, and the next one succeeds', async (code, message) => {
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await sink.write(recordOf({ name: 'before' }), context)
    const handle = await fileHandle()
    const write = handle.write
    vi.spyOn(handle, 'write')
      .mockImplementationOnce(function (this: unknown, ...args: unknown[]) {
        return Reflect.apply(write, this, [args[0], 0, 10]) // a part of it
      })
      .mockRejectedValueOnce(failure(code))
    const refused = await sink.write(recordOf({ name: 'refused' }), context).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'AUDIT_FAILED', message: expect.stringContaining(message) })
    expect(leaksOf(refused, 'the message of the system')).toEqual([])
    await sink.write(recordOf({ name: 'after' }), context)
    await sink.close?.(context)
    expect((await recordsIn(folder)).map(({ name }) => name)).toEqual(['before', 'after'])
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 2, unproven: [] })
  })

  it('whose sync failed goes on in a new segment, since nobody knows what is on disk', async () => {
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await sink.write(recordOf({ name: 'before' }), context)
    vi.spyOn(await fileHandle(), 'datasync').mockRejectedValueOnce(failure('EIO'))
    await expect(sink.write(recordOf({ name: 'unknown' }), context)).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    await sink.write(recordOf({ name: 'after' }), context)
    await sink.close?.(context)
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({
      ok: true,
      segments: [{}, {}],
      unproven: [{ file: 'segment-00000001.jsonl' }],
    })
  })

  it('that nobody could look at afterwards goes on in a new segment', async () => {
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await sink.write(recordOf({ name: 'before' }), context)
    vi.spyOn(await fileHandle(), 'stat').mockRejectedValueOnce(failure('EIO'))
    await expect(sink.write(recordOf({ name: 'unknown' }), context)).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    await sink.write(recordOf({ name: 'after' }), context)
    await sink.close?.(context)
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({
      ok: true,
      segments: [{}, {}],
      unproven: [{ file: 'segment-00000001.jsonl' }],
    })
  })

  it('that is done does not wait for the next segment, which another process may hold up', async () => {
    const { folder } = await testFolder()
    const sink = jsonLinesFile({ folder, maxSegmentBytes: 4096 })
    await written(sink, 1)
    const disk = Promise.withResolvers<void>()
    const sync = vi.spyOn(await fileHandle(), 'datasync').mockReturnValueOnce(disk.promise)
    const done = sink.write(recordOf({ actor: 'x'.repeat(4096) }), context)
    await vi.waitFor(() => expect(sync).toHaveBeenCalled(), 20_000)
    const next = sink.write(recordOf(), context)
    const lock = FileLock.tryTake(join(folder, 'folder.lock'))
    disk.resolve()
    await done
    lock?.release()
    await next
    await sink.close?.(context)
  })

  it('that fails while a segment is opened is tried again with the next record', async () => {
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder })
    const fault = vi.spyOn(await fileHandle(), 'write').mockRejectedValue(failure('ENOSPC'))
    for (let count = 0; count < 3; count++) await expect(sink.write(recordOf(), context)).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    fault.mockRestore()
    await sink.write(recordOf(), context)
    await sink.close?.(context)
    const { ok, records, unproven } = await verifyAuditTrail(folder, { key })
    expect([ok, records]).toEqual([true, 1])
    expect(unproven).toMatchObject([{ file: 'segment-00000001.jsonl', lastLine: 0 }])
  })
})

describe('a new segment', () => {
  const segments = async (folder: string): Promise<number> =>
    (await readdir(folder)).filter((name) => name.includes('.jsonl') && name !== 'index.jsonl').length

  it('begins when one is full', async () => {
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder, maxSegmentBytes: 4096 })
    for (let count = 0; count < 60; count++) await sink.write(recordOf({ actor: 'x'.repeat(200) }), context)
    await sink.close?.(context)
    expect(await segments(folder)).toBeGreaterThan(3)
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 60, unproven: [] })
  })

  it('begins when one has 64 MiB, if no other size is asked for', async () => {
    const { folder } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await sink.write(recordOf(), context)
    const bytes = vi.spyOn(SegmentWriter.prototype, 'bytes', 'get').mockReturnValue(64 * 1024 * 1024 - 1)
    await sink.write(recordOf(), context)
    expect(await segments(folder)).toBe(1)
    bytes.mockReturnValue(64 * 1024 * 1024)
    await sink.write(recordOf(), context)
    expect(await segments(folder)).toBe(2)
    await sink.close?.(context)
  })

  it('begins though the one before cannot be ended, and says how that was found', async () => {
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder, maxSegmentBytes: 4096 })
    await sink.write(recordOf({ actor: 'x'.repeat(4096) }), context)
    vi.spyOn(await fileHandle(), 'datasync').mockRejectedValueOnce(failure('EIO'))
    await sink.write(recordOf(), context)
    await sink.close?.(context)
    const ended = (await linesIn(join(folder, 'index.jsonl'))).flatMap((line) => JSON.parse(line).ended)
    expect(ended.map(({ step }) => step)).toEqual([1, 2])
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 2 })
  })

  it('begins with each day, within five minutes of midnight that chance spreads, and no record waits for it', async () => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 1, 23, 59), toFake: ['Date'] })
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await sink.write(recordOf(), context)
    vi.setSystemTime(Date.UTC(2026, 0, 2, 0, 2, 29))
    await sink.write(recordOf(), context)
    expect(await segments(folder)).toBe(1)
    const lock = FileLock.tryTake(join(folder, 'folder.lock'))
    vi.setSystemTime(Date.UTC(2026, 0, 2, 0, 2, 30))
    for (const name of ['while', 'the lock', 'is waited for']) await sink.write(recordOf({ name }), context)
    expect(await segments(folder)).toBe(1)
    lock?.release()
    const ended = [expect.objectContaining({ step: 1, found: 'ended' })]
    const change = async (): Promise<void> => {
      await sink.write(recordOf(), context)
      expect(JSON.parse((await linesIn(join(folder, 'index.jsonl'))).at(-1) ?? '')).toMatchObject({ ended })
    }
    await vi.waitFor(change, 20_000)
    await sink.close?.(context)
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, unproven: [], segments: { length: 2 } })
  })

  it('that cannot be opened for the new day is tried again later, and meanwhile the one of yesterday is written', async () => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 1, 23, 59), toFake: ['Date'] })
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await sink.write(recordOf(), context)
    vi.setSystemTime(Date.UTC(2026, 0, 2, 12))
    const opening = vi.spyOn(SegmentWriter, 'open').mockRejectedValue(failure('ENOSPC'))
    for (let count = 0; count < 3; count++) await sink.write(recordOf(), context)
    expect(opening).toHaveBeenCalledTimes(1)
    opening.mockRestore()
    const now = performance.now()
    vi.spyOn(performance, 'now').mockReturnValue(now + 60_000)
    await sink.write(recordOf(), context)
    await vi.waitFor(async () => expect(await segments(folder)).toBe(2), 20_000)
    await sink.close?.(context)
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 5, unproven: [], segments: { length: 2 } })
  })

  it('begins when somebody moved the file, which keeps what is in it', async () => {
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await sink.write(recordOf(), context)
    await rename(join(folder, 'segment-00000001.jsonl'), join(folder, 'segment-00000001.jsonl.1'))
    await sink.write(recordOf(), context)
    await sink.write(recordOf(), context)
    await sink.close?.(context)
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 3, segments: [{}, {}], unproven: [] })
  })

  it.each(['removed', 'cut'])('begins when somebody %s the file, and what was written into it is not acknowledged', async (how) => {
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await sink.write(recordOf(), context)
    const path = join(folder, 'segment-00000001.jsonl')
    await (how === 'removed' ? rm(path) : writeFile(path, ''))
    await expect(sink.write(recordOf(), context)).rejects.toMatchObject({
      code: 'AUDIT_FAILED',
      message: expect.stringContaining('removed or truncated'),
    })
    await sink.write(recordOf(), context)
    await sink.close?.(context)
    const { ok, problem } = await verifyAuditTrail(folder, { key })
    expect([ok, problem?.file]).toEqual([false, 'segment-00000001.jsonl'])
  })
})

describe('closing', () => {
  it('may come twice, and before anything was written', async () => {
    const { folder } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await sink.close?.(context)
    await sink.close?.(context)
    await expect(sink.write(recordOf(), context)).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('ends the segment once, however often it comes', async () => {
    const { folder } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await sink.write(recordOf(), context)
    await Promise.all([sink.close?.(context), sink.close?.(context)])
    await sink.close?.(context)
    const steps = (await linesIn(join(folder, 'index.jsonl'))).map((line) => JSON.parse(line).opens)
    expect(steps).toEqual([false, true, false]) // made ready, opened, ended
  })

  it('waits for what is on its way', async () => {
    const { folder, key } = await testFolder()
    const sink = jsonLinesFile({ folder })
    const writing = sink.write(recordOf(), context)
    await sink.close?.(context)
    await writing
    expect(await verifyAuditTrail(folder, { key })).toMatchObject({ ok: true, records: 1, unproven: [] })
  })

  it('says so when the end could not be recorded', async () => {
    const { folder } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await sink.write(recordOf(), context)
    const handles = await fileHandle()
    const { datasync } = handles
    vi.spyOn(handles, 'datasync').mockImplementationOnce(datasync).mockRejectedValueOnce(failure('EIO')) // of the index
    const refusal = { code: 'AUDIT_FAILED', message: expect.stringContaining('the disk of the audit trail reported') }
    await expect(sink.close?.(context)).rejects.toMatchObject(refusal)
  })

  it('takes no step when all that ended is in the index', async () => {
    const { folder } = await testFolder()
    const sink = jsonLinesFile({ folder, maxSegmentBytes: 4096 })
    await sink.write(recordOf({ actor: 'x'.repeat(4096) }), context)
    await sink.write(recordOf(), context)
    vi.spyOn(await fileHandle(), 'datasync').mockRejectedValueOnce(failure('EIO'))
    await expect(sink.write(recordOf(), context)).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    await sink.close?.(context)
    const steps = (await linesIn(join(folder, 'index.jsonl'))).map((line) => JSON.parse(line).opens)
    expect(steps).toEqual([false, true, true])
  })

  it('says in the index how the segment ended', async () => {
    const { folder } = await testFolder()
    const sink = jsonLinesFile({ folder })
    await sink.write(recordOf(), context)
    await sink.close?.(context)
    expect(await readFile(join(folder, 'index.jsonl'), 'utf8')).toContain('"found":"ended"')
  })

  it('leaves no file open and no lock', async () => {
    const { folder } = await trailOf(3)
    expect((await readdir(folder)).filter((name) => name.endsWith('.lock'))).toEqual(['folder.lock'])
  })
})

describe('the options of a file', () => {
  const aFunction = Object.assign(() => {}, { write: async () => {} })

  it.each<[string, unknown, string]>([
    ['no folder', {}, '`folder` is not a path'],
    ['an empty one', { folder: '' }, '`folder` is not a path'],
    ['one that no file system has', { folder: 'x\0y' }, '`folder` is not a path'],
    ['a number for a folder', { folder: 5 }, 'the option folder is a number'],
    ['a size that is too small', { folder: 'x', maxSegmentBytes: 4095 }, '`maxSegmentBytes` is 4095'],
    ['half a byte', { folder: 'x', maxSegmentBytes: 4096.5 }, '`maxSegmentBytes` is 4096.5'],
    ['text for a truth value', { folder: 'x', durable: 'yes' }, 'the option durable is text'],
    ['a number for a name', { folder: 'x', name: 5 }, 'the option name is a number'],
    ['checkpoints into the trail itself', { folder: 'x', checkpoints: { to: './x/' } }, 'the folder of the trail itself'],
    ['a folder for checkpoints', { folder: 'x', checkpoints: 'y' }, '`checkpoints` is text instead of an object'],
    ['no text for them', { folder: 'x', checkpoints: '' }, '`checkpoints` is text instead of an object'],
    ['checkpoints to nowhere', { folder: 'x', checkpoints: { to: 7 } }, 'neither a folder nor a sink'],
    ['checkpoints to a function', { folder: 'x', checkpoints: { to: aFunction } }, 'neither a folder nor a sink'],
    ['checkpoints at no time', { folder: 'x', checkpoints: { to: 'y', everyMs: 0 } }, '`everyMs` is 0'],
    ['checkpoints more seldom than a timer can', { folder: 'x', checkpoints: { to: 'y', everyMs: 2 ** 31 } }, '`everyMs` is 2147483648'],
    ['a misspelt one', { folder: 'x', file: 'y' }, '"file" is not known'],
  ])('refuse %s', (_, options, problem) => {
    const refusal = expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining(problem) })
    expect(() => jsonLinesFile(options as JsonLinesFileOptions)).toThrow(refusal) // what a caller without types may pass
  })

  it('may all be left out but the folder', async () => {
    const { folder } = await testFolder()
    const sink = jsonLinesFile({ folder })
    expect(sink).toMatchObject({ specificationVersion: 'v1', name: 'file', durable: true })
    await sink.close?.(context)
  })

  it('may name it, and ask for checkpoints as seldom as a timer can', async () => {
    const { folder, checkpoints } = await testFolder()
    const options = { folder, name: 'trail', durable: false, checkpoints: { to: checkpoints, everyMs: 2 ** 31 - 1 } }
    const sink = jsonLinesFile(options)
    expect(sink).toMatchObject({ name: 'trail', durable: false })
    await sink.close?.(context)
  })
})

describe('checkpoints', () => {
  it('that have no folder to go to say why', async () => {
    const { folder } = await testFolder()
    const sink = jsonLinesFile({ folder, checkpoints: { to: join(folder, 'key.json') } })
    await sink.write(recordOf(), context)
    await sink.close?.(context)
    const message = expect.stringMatching(
      /^Audit sink 'checkpoints' does not acknowledge: a checkpoint is missing: a file .* \(name another folder/,
    )
    expect(process.emitWarning).toHaveBeenCalledExactlyOnceWith(message, expect.anything())
  })

  it('that cannot be sent are told once, and hold up nothing', async () => {
    const warnings: unknown[] = []
    vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(warning))
    const { folder } = await testFolder()
    const worm = trialSink('worm', 'rejects')
    const sink = jsonLinesFile({ folder, checkpoints: { to: worm, everyMs: 1 } })
    for (let count = 1; count < 5; count++) {
      await sink.write(recordOf(), context)
      await vi.waitFor(() => expect(worm.calls).toBeGreaterThan(count), 20_000)
    }
    await sink.close?.(context)
    expect(warnings).toEqual(["Audit sink 'worm' does not acknowledge: a checkpoint is missing"])
  })

  it('close the place that they go to, once they are all there', async () => {
    const { folder } = await testFolder()
    const worm = trialSink('worm')
    const close = vi.fn(async () => expect(worm.records).toHaveLength(3)) // opened, ended, recorded
    const sink = jsonLinesFile({ folder, checkpoints: { to: { ...worm, close } } })
    await sink.write(recordOf(), context)
    for (const _ of [1, 2]) await sink.close?.(context)
    expect(close).toHaveBeenCalledTimes(1)
  })

  it('come each second, if no other time is asked for', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { folder } = await testFolder()
    const worm = trialSink('worm')
    const sink = jsonLinesFile({ folder, checkpoints: { to: worm } })
    await sink.write(recordOf(), context)
    expect(worm.records).toHaveLength(1) // of the opening
    vi.advanceTimersByTime(999)
    expect(worm.records).toHaveLength(1)
    vi.advanceTimersByTime(1)
    expect(worm.records).toHaveLength(2)
    await sink.close?.(context)
  })

  it('go to any sink, and are read back from what it kept', async () => {
    const { folder, key } = await testFolder()
    const worm = trialSink('worm')
    const sink = jsonLinesFile({ folder, checkpoints: { to: worm } })
    await sink.write(recordOf(), context)
    await sink.close?.(context)
    expect(worm.records).toMatchObject([{ operation: 'checkpoint', seq: 1 }, { seq: 2 }, { seq: 3 }])
    const forms = [
      (record: AuditRecord): string => JSON.stringify(record),
      (record: AuditRecord): string => JSON.stringify({ level: 30, audit: record }, undefined, 1).replaceAll('\n', ''),
      (record: AuditRecord): string => JSON.stringify(toOcsf(record)),
      (record: AuditRecord): string => JSON.stringify(toEcs(record)),
      (record: AuditRecord): string => record.checkpoint ?? '',
    ]
    await truncate(join(folder, 'segment-00000001.jsonl'), 0)
    for (const form of forms) {
      const checkpoint = ['noise of a checkpoint', ...worm.records.map(form)]
      expect((await verifyAuditTrail(folder, { key, checkpoint })).problem).toMatchObject({
        explanation: expect.stringContaining('a checkpoint says'),
      })
    }
  })

  it.each(['json', 'human'] as const)('go to a syslog server, and are read back from what it wrote (%s)', async (format) => {
    await using server = await streamServer()
    const { folder, key } = await testFolder()
    const to = syslogSink({ host: '127.0.0.1', port: server.port, transport: 'tcp', format })
    const sink = jsonLinesFile({ folder, checkpoints: { to, everyMs: 1 } })
    await sink.write(recordOf(), context)
    await server.received(2)
    const kept = server.messages.map((message) => `Nov 25 12:00:00 web-1 ${message}`)
    for (const checkpoint of [server.messages, kept]) {
      const { ok, unproven } = await verifyAuditTrail(folder, { key, checkpoint })
      expect([ok, unproven]).toMatchObject([true, [{ provenUntil: expect.any(Number) }]])
    }
    await sink.close?.(context)
  })

  it('keep their folder from others', async () => {
    const { checkpoints } = await trailOf(1)
    const [name = ''] = await readdir(checkpoints)
    expect((await stat(join(checkpoints, name))).mode & 0o777).toBe(0o600)
    await chmod(checkpoints, 0o700)
  })
})
