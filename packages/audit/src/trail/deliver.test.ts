import { afterAll, afterEach, expect, it, vi } from 'vitest'
import { auditTrail } from './audit-trail.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { functionSink } from '../sinks/function-sink.ts'
import { aRecord } from '../testing/sample-records.ts'
import { context, event, recordsIn, removeTestFolders, testFolder } from '../testing/folders.ts'
import { required } from './trail-sink.ts'

afterAll(removeTestFolders)
afterEach(() => void vi.useRealTimers())

const gaveUp = { signal: AbortSignal.abort() }

it('an outcome is written though its caller gave up, and the sink has time for it', async () => {
  const seen: boolean[] = []
  const sink = functionSink((_, { signal }) => void seen.push(signal.aborted))
  const trail = auditTrail({ sinks: [required(sink)] })
  await trail.record({ ...event, phase: 'outcome' }, gaveUp)
  expect(seen).toEqual([false])
  await trail.close?.(context)
})

it('an outcome whose caller gave up waits for no longer than the sink’s own deadline', async () => {
  vi.useFakeTimers()
  const sink = functionSink(() => new Promise(() => {}))
  const trail = auditTrail({ sinks: [required(sink)], sinkDeadlineMs: 100 })
  const recorded = trail.record(event, gaveUp).then(
    () => 'recorded',
    ({ code }) => code,
  )
  await vi.advanceTimersByTimeAsync(99)
  expect(await Promise.race([recorded, Promise.resolve('waits')])).toBe('waits')
  await vi.advanceTimersByTimeAsync(1)
  expect(await recorded).toBe('AUDIT_FAILED')
})

it('a sink gets a signal and a deadline that a copy of its context has too, and nothing else', async () => {
  const seen: unknown[] = []
  const sink = functionSink((_, given) => void seen.push({ ...given }))
  const trail = auditTrail({ sinks: [required(sink)] })
  await trail.record(event, context)
  expect(seen).toEqual([{ signal: expect.any(AbortSignal), deadlineAt: expect.any(Number) }])
  await trail.close?.(context)
})

it('the file writes a record that comes with an aborted signal', async () => {
  const { folder } = await testFolder()
  const sink = jsonLinesFile({ folder })
  await sink.write(aRecord({ seq: 7 }), gaveUp)
  expect(await recordsIn(folder)).toMatchObject([{ seq: 7 }])
  await sink.close?.(context)
})
